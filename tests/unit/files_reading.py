"""Shared by the tests of the `files` connector: a project folder, and one way to read what is in it."""

from dataclasses import replace
from pathlib import Path

import duckdb

from engine.connector import Columnar, Delimited, Landing, Workplace
from engine.diagnostic import Diagnostic
from engine.document import Document, Origin
from engine.files import FilesConnector
from engine.model import Part, Source, Stream

CONNECTOR = FilesConnector()
ORIGIN = Origin(Document("project.yaml", "", {}, {}, {}), ())


class Folder:
    """A project folder with one source of files."""

    def __init__(self, root: Path, **settings: object) -> None:
        self.root = root
        self.source = Source("exports", "files", {"path": "data/*", **settings}, {}, ORIGIN)
        self.stream = CONNECTOR.streams(self.source)["records"]
        (root / "data").mkdir(exist_ok=True)
        self.place = Workplace(root, root / "scratch")

    def put(self, name: str, data: bytes | str) -> Path:
        """Write a file."""
        file = self.root / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        return file

    def parts(self, recorded: tuple[Part, ...] = ()) -> list[Part]:
        """Survey."""
        place = replace(self.place, recorded={part.name: part for part in recorded})
        return list(CONNECTOR.survey(self.source, self.stream, place))

    def landing(self, name: str | None = None, wanted: tuple[str, ...] = ()) -> Landing:
        """Read one part: the only one, or that of the name."""
        parts = [part for part in self.parts() if name is None or part.name == f"data/{name}"]
        (landing,) = CONNECTOR.read(self.source, self.stream, parts[0], replace(self.place, wanted=frozenset(wanted)))
        assert len(parts) == 1
        return landing


def stream_of(source: Source, name: str, **settings: object) -> Stream:
    """A stream of the source."""
    return Stream(name, settings, source.origin)


def careful(landing: Landing) -> list[tuple]:
    """The records as the connector gives them one by one."""
    return list((landing.otherwise or landing.records).rows)


def fast(landing: Landing) -> list[tuple]:
    """The records as DuckDB reads a `Delimited`, all text, no guessing."""
    given = landing.records
    assert isinstance(given, Delimited)
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(given.columns)))
    return duckdb.sql(
        f"from read_csv('{given.path}', auto_detect=false, header=false, strict_mode=true, skip={given.skip}, "
        f"delim='{given.delimiter}', quote='{given.quote}', escape='{given.quote}', columns={{{columns}}})"
    ).fetchall()


def values(landing: Landing) -> list[tuple]:
    """The records; read both ways where there are two, which must agree."""
    assert not isinstance(landing.records, Columnar)
    one_by_one = careful(landing)
    if isinstance(landing.records, Delimited):
        assert [row for row, _, _ in one_by_one] == list(
            range(landing.first_row, landing.first_row + len(one_by_one))
        ), "the fast reader's row numbers would be wrong"
        assert fast(landing) == [cells for _, cells, _ in one_by_one]
    return [cells if text is None else text for _, cells, text in one_by_one]


def said(diagnostic: Diagnostic) -> str:
    """Everything a finding says, in both languages."""
    return "\n".join(
        part
        for language in ("en", "zh")
        for words in [diagnostic.words(language)]
        for part in (words.message, words.label, *words.notes, words.help)
        if part
    )
