"""The words of every diagnostic, in English and Chinese, by area.

Style: lower case, no full stop, the message stands alone, the label says what the marked text is,
notes are facts, help is one suggestion. `{name}` is filled from the facts of the case; a label, note
or help whose facts are missing is left out.
"""

from engine.diagnostic.catalogue import (
    connector,
    data,
    database,
    files,
    manifest,
    metric,
    remote,
    rest,
    run,
    secret,
    singer,
    syntax,
)
from engine.diagnostic.catalogue.words import Entry, Words, in_words

__all__ = ["CATALOGUE", "Entry", "Words", "in_words"]

CATALOGUE: dict[str, Entry] = {
    **syntax.ENTRIES,
    **manifest.ENTRIES,
    **metric.ENTRIES,
    **files.ENTRIES,
    **data.ENTRIES,
    **rest.ENTRIES,
    **run.ENTRIES,
    **database.ENTRIES,
    **remote.ENTRIES,
    **singer.ENTRIES,
    **secret.ENTRIES,
    **connector.ENTRIES,
}
