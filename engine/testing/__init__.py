"""The conformance kit: what a connector's tests need, and the checks that every connector has to pass."""

from engine.testing.conformance import (
    TROUBLES,
    Case,
    check_all,
    check_complete,
    check_incremental,
    check_offline,
    check_page_sizes,
    check_resume,
    check_secrets,
    check_troubles,
    expect_truth,
    small_batches,
    troubled,
)
from engine.testing.driving import Driver, Simulated, inside, records_of, source_of, with_page_size
from engine.testing.recording import Player, Recorder, Replayed, hidden

__all__ = [
    "TROUBLES",
    "Case",
    "Driver",
    "Player",
    "Recorder",
    "Replayed",
    "Simulated",
    "check_all",
    "check_complete",
    "check_incremental",
    "check_offline",
    "check_page_sizes",
    "check_resume",
    "check_secrets",
    "check_troubles",
    "expect_truth",
    "hidden",
    "inside",
    "records_of",
    "small_batches",
    "source_of",
    "troubled",
    "with_page_size",
]
