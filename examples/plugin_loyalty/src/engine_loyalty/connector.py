"""Read Pinecone Club: pages after the last number that was seen, until there are no more.

The cursor of a stream is `{"after": number, "at": time}`. It is handed over with the records it belongs to, so both are
stored or neither is; a run that was stopped goes on behind the last batch that was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.connector import Effort, GiveUp, Landing, Request, Response, Rows, TryAgain, Workplace
from engine.diagnostic import Diagnostic
from engine.diagnostic.plugin import Said, problem, remark
from engine.model import Part, Source, Stream
from engine_loyalty.protocol import (
    BAD_SIGNATURE,
    BUSY,
    CLOCK_OFF,
    KINDS,
    CutOff,
    Page,
    Refusal,
    command,
    message,
    unpacked,
)

NAME = "loyalty"
ATTEMPTS = 6
LONGEST_WAIT = 60.0
REST = 60
"""Seconds that a stream is left alone after it was read to its end."""
LARGEST_PAGE = 5000

SOURCE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url", "key", "secret"],
    "properties": {
        # No pattern: in a manifest it may be `${LOYALTY_URL}`, which is filled in later.
        "url": {"type": "string", "minLength": 1, "description": "Address of the exchange. · 接口地址。"},
        "key": {"type": "string", "minLength": 1, "description": "Key of the account. · 账号。"},
        "secret": {
            "type": "string",
            "minLength": 1,
            "description": "What requests are signed with. · 签名密钥。",
            "x-secret": True,
        },
    },
}
STREAM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "page": {
            "type": "integer",
            "minimum": 1,
            "maximum": LARGEST_PAGE,
            "default": LARGEST_PAGE,
            "description": "Records of a page. · 每页条数。",
        },
        "batch": {
            "type": "integer",
            "minimum": 1,
            "default": 100_000,
            "description": "Records that are stored together. · 每批入库的条数。",
        },
    },
}


class LoyaltyConnector:
    """The ledger of points and the members of Pinecone Club."""

    name: str = NAME
    source_schema: dict[str, Any] = SOURCE_SCHEMA
    stream_schema: dict[str, Any] = STREAM_SCHEMA

    def streams(self, source: Source) -> dict[str, Stream]:
        """The streams that the source chooses, or both."""
        return dict(source.streams) or {kind: Stream(kind, {}, source.origin) for kind in KINDS}

    def check(self, source: Source) -> Iterable[Diagnostic]:
        """Streams that the system does not have: told by `engine validate`, before anything is asked."""
        for one in source.streams.values():
            if one.name not in KINDS:
                known = ", ".join(f"`{kind}`" for kind in KINDS)
                said = Said(
                    f"there is no stream `{one.name}`; there is {known}", f"没有数据流 `{one.name}`；可用：{known}"
                )
                yield problem(NAME, said, place=one.origin.place())

    def survey(self, source: Source, stream: Stream, place: Workplace) -> Iterable[Part]:
        """One part, "what came after", unless the stream was read to its end a moment ago. Asks nobody."""
        stands = place.cursor or {}
        if place.client.now() - stands.get("at", 0) >= REST:
            yield Part(f"{source.name}.{stream.name} after {stands.get('after', 0)}", "")

    def read(self, source: Source, stream: Stream, part: Part, place: Workplace) -> Iterator[Landing]:
        """Batch after batch, each with the number that the stream then stands at."""
        reading = _Reading(f"{source.name}.{stream.name}", source.settings, stream, place)
        count, most = stream.settings.get("page", LARGEST_PAGE), stream.settings.get("batch", 100_000)
        after, began = (place.cursor or {}).get("after", 0), int(place.client.now())
        columns: tuple[str, ...] = ()
        rows: list[tuple[str, ...]] = []
        while True:
            page = reading.page(after, count)
            if rows and (page.columns != columns or len(rows) >= most):
                yield _landing(columns, rows, {"after": after})
                rows = []
            columns = page.columns
            rows += page.rows
            if page.rows:
                after = int(page.rows[-1][columns.index("seq")])
            place.report(Effort(reading.requests, reading.waited, reading.rows))
            if len(page.rows) < count:
                break
        yield _landing(columns, rows, {"after": after, "at": began}, reading.notes)


def _landing(
    columns: tuple[str, ...], rows: list[tuple[str, ...]], cursor: dict[str, int], notes: tuple[Diagnostic, ...] = ()
) -> Landing:
    """Records and where the stream then stands; where there are none, the cursor alone moves on."""
    numbered = [(at, values, None) for at, values in enumerate(rows, start=1)]
    return Landing(Rows(columns, numbered) if rows else None, cursor=cursor, diagnostics=notes)


@dataclass
class _Reading:
    """The requests for one stream, each tried until it is answered. `name` is what people call it."""

    name: str
    settings: dict[str, Any]
    stream: Stream
    place: Workplace
    requests: int = 0
    waited: float = 0.0
    rows: int = 0
    damaged: int = 0

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What people should know although all was read."""
        if self.damaged < 3:
            return ()
        said = Said(
            f"{self.damaged} pages of `{self.name}` came damaged and were asked for again",
            f"`{self.name}` 有 {self.damaged} 页传输损坏，已重新请求",
        )
        help = Said("look at the line to the platform, or at a proxy on the way", "请检查到平台的网络或中间的代理")
        return (remark(NAME, said, place=self.stream.origin.place(), help=help),)

    def page(self, after: int, count: int) -> Page:
        """The next page. Raises `GiveUp` where there will be none."""
        asked = command(self.stream.name, after, count)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                page = self._attempt(asked)
            except TryAgain as failure:
                if attempt == ATTEMPTS:
                    raise GiveUp(self._silent(failure)) from None
                self._wait(failure.after if failure.after is not None else min(2.0**attempt, LONGEST_WAIT))
            else:
                self.rows += len(page.rows)
                return page
        raise AssertionError("the last attempt returns or gives up")

    def _attempt(self, asked: str) -> Page:
        """Ask once, signed anew: a signature that has waited is too old."""
        self.requests += 1
        key, secret, now = self.settings["key"], self.settings["secret"], int(self.place.client.now())
        headers = (("content-type", "text/plain; charset=utf-8"),)
        sent = Request("POST", self.settings["url"], headers=headers, body=message(key, secret, now, asked))
        response = self.place.client.send(sent)
        if response.status != 200:
            raise self._by_status(response)
        try:
            answer = unpacked(response.body)
        except CutOff as failure:
            self.damaged += 1
            raise TryAgain(str(failure)) from None
        if isinstance(answer, Refusal):
            raise self._refused(answer)
        return answer

    def _by_status(self, response: Response) -> Exception:
        if response.status == 429 or response.status >= 500:
            told = response.header("retry-after") or ""
            return TryAgain(f"HTTP {response.status}", min(float(told), LONGEST_WAIT) if told.isdecimal() else None)
        said = Said(
            f"`{self.name}` was refused with HTTP {response.status}",
            f"读取 `{self.name}` 被拒绝：HTTP {response.status}",
        )
        help = Said("see whether `url` leads to the exchange", "请确认 `url` 是接口地址")
        return GiveUp(problem(NAME, said, place=self.stream.origin.place(), help=help))

    def _refused(self, refusal: Refusal) -> Exception:
        if refusal.code == BUSY:
            return TryAgain(refusal.words, refusal.after)
        said = Said(f"`{self.name}` was refused: {refusal.words}", f"读取 `{self.name}` 被拒绝：{refusal.words}")
        return GiveUp(problem(NAME, said, place=self.stream.origin.place(), help=_REMEDIES.get(refusal.code)))

    def _silent(self, failure: TryAgain) -> Diagnostic:
        said = Said(
            f"`{self.name}` gave no answer in {ATTEMPTS} attempts: {failure.why}",
            f"`{self.name}` 试了 {ATTEMPTS} 次仍无结果：{failure.why}",
        )
        help = Said(
            "what was read is kept; run `engine apply` again later", "已读到的数据会保留；请稍后再运行 `engine apply`"
        )
        return problem(NAME, said, place=self.stream.origin.place(), help=help)

    def _wait(self, seconds: float) -> None:
        self.waited += seconds
        self.place.client.sleep(seconds)


_REMEDIES = {
    BAD_SIGNATURE: Said("see whether `key` and `secret` belong together", "请确认 `key` 和 `secret` 是一对"),
    CLOCK_OFF: Said("set the clock of this machine", "请校准本机时钟"),
}
