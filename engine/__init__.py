"""Declarative integration and metrics for commerce data: YAML in, governed tables and KPIs out."""

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import Answer, Diagnostic, Findings, Plan, Run, Workspace, load

__all__ = ["Answer", "Diagnostic", "Findings", "Plan", "Run", "Workspace", "__version__", "load"]

__version__ = version("commerce-engine")


def __getattr__(name: str) -> object:
    """Import the API when it is first used, so that `engine --help` need not wait for a database engine."""
    if name in __all__:
        from engine import api

        return getattr(api, name)
    raise AttributeError(f"module 'engine' has no attribute {name!r}")
