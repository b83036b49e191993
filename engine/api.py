"""The Python API: a loaded project with its verbs. The command line does the same through the same calls.

import engine

store = engine.load("project.yaml")
store.check()
store.apply()
answer = store.query(["paid_amount", "aov"], by=["paid_at.month"])
answer.rows(), answer.df(), answer.sql
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.apply import Listener, apply
from engine.check import check
from engine.connector import Client
from engine.diagnostic import Diagnostic, Findings, Language, errors, finding, nearest
from engine.load import load as load_project
from engine.metric import Query, Question
from engine.metric import compile as compile_question
from engine.model import Plan, Project, Run, State
from engine.plan import plan
from engine.query import Answer, ask
from engine.show import show
from engine.sql.mapping import compile as compile_mapping
from engine.survey import survey
from engine.warehouse import Reader, engine
from engine.warehouse.folder import Folder

__all__ = ["Answer", "Diagnostic", "Findings", "Plan", "Project", "Run", "Workspace", "load"]


@dataclass(frozen=True)
class Workspace:
    """A project as its manifests declare it, and what can be done with it."""

    project: Project

    def check(self) -> tuple[Diagnostic, ...]:
        """What is wrong with what the manifests mean: errors and warnings, by file and line; empty when all is well."""
        return check(self.project)

    def plan(self, *, rebuild: Iterable[str] = ()) -> Plan:
        """The steps that `apply` would take now. Changes nothing; raises `Findings` where the manifests are wrong."""
        self._must_be_sound()
        state = self.state()
        found, _ = survey(self.project, state)
        return plan(self.project, state, found, self._tables(rebuild))

    def apply(
        self,
        *,
        rebuild: Iterable[str] = (),
        lock_timeout: float = 0,
        listener: Listener = lambda _: None,
        client: Client | None = None,
    ) -> Run:
        """Read what is new, build the tables, publish them.

        `rebuild` names tables to make anew (`all` for every one), `lock_timeout` is how many seconds to wait for
        another run, `client` sends the requests of connectors in place of the engine's own. Raises `Findings` where
        the manifests are wrong or nothing could begin; what went wrong on the way stands in the run.
        """
        self._must_be_sound()
        return apply(
            self.project, rebuild=self._tables(rebuild), lock_timeout=lock_timeout, listener=listener, client=client
        )

    def query(
        self,
        metrics: Sequence[str],
        *,
        by: Sequence[str] = (),
        where: str | None = None,
        order: Sequence[str] = (),
        limit: int | None = None,
        version: int | None = None,
    ) -> Answer:
        """Ask for metrics by dimensions, as of the last published state or that of run `version`.

        Returns an `Answer` with `.rows()`, `.arrow()`, `.df()`, `.pl()` and `.sql`; raises `Findings` where the
        question makes no sense or nothing is published.
        """
        question = Question(tuple(metrics), tuple(by), where, tuple(order), limit)
        compile_question(self.project, question)  # a question that makes no sense makes none on any state
        return ask(self.project, question, self.published(version))

    def compile(
        self,
        metrics: Sequence[str],
        *,
        by: Sequence[str] = (),
        where: str | None = None,
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> Query:
        """The SQL that `query` would run, with what its columns mean; needs nothing published."""
        return compile_question(self.project, Question(tuple(metrics), tuple(by), where, tuple(order), limit))

    def show(
        self,
        things: Sequence[str],
        *,
        where: str | None = None,
        limit: int = 20,
        version: int | None = None,
        language: Language = "en",
    ) -> Answer:
        """Rows of a table (`["orders"]`), of `["quarantine"]`, or raw records (`["raw", "source.stream"]`)."""
        reader = self.published(version)
        return show(self.project, list(things), reader, where=where, limit=limit, language=language)

    def sql(self) -> dict[str, str]:
        """For each mapping, the SQL that types and judges its records, over the record fields that are in raw so far."""
        made = {}
        for mapping in self.project.mappings:
            batches = [batch for batch in self.state().batches if batch.feed == mapping.feed]
            columns = tuple(column for batch in batches for column in batch.columns) or mapping.record_fields
            source, table = self.project.sources[mapping.source], self.project.tables[mapping.into]
            compiled = compile_mapping(
                mapping,
                table,
                columns=columns,
                shop=source.shop or source.name,
                timezone=self.project.timezone,
                lacking={},
            )
            made[mapping.name] = compiled.rows
        return made

    def runs(self) -> list[dict[str, Any]]:
        """The runs that were recorded, oldest first, failed ones too."""
        return Folder(self.project.storage.path).runs()

    def published(self, version: int | None = None) -> Reader:
        """The last published state, or that of a run, to read from."""
        return engine(self.project.storage.engine).read(self.project.storage, version)

    def state(self) -> State:
        """What earlier runs recorded."""
        return Folder(self.project.storage.path).recorded()

    def _must_be_sound(self) -> None:
        found = self.check()
        if errors(found):
            raise Findings(found)

    def _tables(self, named: Iterable[str]) -> frozenset[str]:
        fed = {mapping.into for mapping in self.project.mappings}
        asked = fed if "all" in (names := set(named)) else names
        for name in sorted(asked - fed):
            known = ", ".join(sorted(fed))
            raise Findings([finding("unknown-rebuild", name=name, near=nearest(name, fed), known=known)], status=2)
        return frozenset(asked)


def load(file: str | Path) -> Workspace:
    """Read a project's manifests: `file` is `project.yaml`, or the folder that holds it.

    Raises `Findings` with everything that is wrong with the files.
    """
    return Workspace(load_project(file))
