"""One question to a platform until there is an answer: in turn, freshly signed each time, judged by what the body says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from engine.connector import Client, GiveUp, Response, TryAgain
from engine.diagnostic import Place, finding
from engine.rest.answer import Answer, NotJson, Reader, short
from engine.rest.limits import Bucket, Limits
from engine.rest.paging import TooDeep
from engine.rest.request import Call
from engine.rest.template import Scope, Template, Wrong
from engine.rest.token import Tokens

Action = Literal["retry", "tomorrow", "reauthorise", "skip", "halve", "stop"]

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_WAIT = 900.0
"""Seconds that a run waits for a platform at most; what takes longer is for a later run."""


@dataclass(frozen=True)
class Case:
    """What a connector says about one kind of refusal. `after` are seconds, `say` words for people."""

    when: Template
    do: Action
    after: Template | None = None
    is_ban: bool = False
    say: str | None = None


@dataclass(frozen=True)
class Manners:
    """How answers of a platform are understood: what is a success, what refusals mean, how its words are found."""

    success: Template | None
    success_needs_all: bool
    cases: tuple[Case, ...]
    message: Template | None
    attempts: int
    backoff: float
    longest: float
    zone: str


@dataclass
class Cost:
    """What reading has cost so far, and by how many seconds the platform's clock is ahead of ours; from many threads."""

    requests: int = 0
    waited: float = 0.0
    skipped: int = 0
    skew: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, *, requests: int = 0, waited: float = 0.0, skipped: int = 0) -> None:
        """Add to it."""
        with self.lock:
            self.requests += requests
            self.waited += waited
            self.skipped += skipped


class UsedUp(Exception):
    """The quota of the day is used up; `until` says when there is another."""

    def __init__(self, said: str, until: str) -> None:
        self.said, self.until = said, until
        super().__init__(said)


class Skip(Exception):
    """What was asked for is not to be had, and the rest is not the worse for it."""


class _Refused(Exception):
    """The platform does not take the token."""

    def __init__(self, token: dict[str, Any], said: str, say: str | None) -> None:
        self.token, self.said, self.say = token, said, say
        super().__init__(said)


@dataclass
class Exchange:
    """Asks one platform for one account. Safe to use from many threads."""

    client: Client
    limits: Limits
    manners: Manners
    buckets: Callable[[Scope], list[Bucket]]
    tokens: Tokens | None
    place: Place
    name: str
    cost: Cost
    stopped: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    proven: threading.Event = field(default_factory=threading.Event)
    first: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, call: Call, scope: Scope, reader: Reader) -> Answer:
        """Ask until there is an answer. Until there was one, only one thread asks: the others learn from it.

        Raises `GiveUp` where there will be none, `UsedUp` where there may be one tomorrow, `Skip` where the connector
        says that this one does not matter, and `TooDeep` where it says that less has to be asked for.
        """
        if self.proven.is_set():
            try:
                return self._asked(call, scope, reader)
            except UsedUp:
                self.stopped.set()
                raise
        with self.first:
            try:
                answer = self._asked(call, scope, reader)
            except (GiveUp, UsedUp):
                self.stopped.set()
                raise
            self.proven.set()
            return answer

    def _asked(self, call: Call, scope: Scope, reader: Reader) -> Answer:
        try:
            return self._with_retries(call, scope, reader)
        except _Refused as refused:
            return self._once_more(call, scope, reader, refused)
        except Wrong as failure:
            raise self._given_up("token-refused", said=str(failure)) from None

    def _once_more(self, call: Call, scope: Scope, reader: Reader, refused: _Refused) -> Answer:
        if self.tokens is None or not self.tokens.is_used:
            raise self._given_up("token-refused", said=refused.said, say=refused.say) from None
        try:
            self.tokens.renew(self._ask_for_token, refused.token)
            return self._with_retries(call, scope, reader)
        except _Refused as again:
            raise self._given_up("token-refused", said=again.said, say=again.say) from None

    def _token(self) -> dict[str, Any]:
        return self.tokens.current(self._ask_for_token) if self.tokens else {}

    def _ask_for_token(self, call: Call, scope: Scope) -> Answer:
        try:
            return self._with_retries(call, scope, Reader((), None), for_token=True)
        except _Refused as refused:
            raise self._given_up("token-refused", said=refused.said, say=refused.say) from None

    def _with_retries(self, call: Call, scope: Scope, reader: Reader, *, for_token: bool = False) -> Answer:
        retrying = Retrying(
            retry=retry_if_exception_type(TryAgain),
            stop=stop_after_attempt(self.manners.attempts),
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._attempt, call, scope, reader, for_token)
        except TryAgain as failure:
            raise self._given_up("gave-up", attempts=self.manners.attempts, why=failure.why) from None
        except Wrong as failure:
            raise self._given_up("cannot-ask", reason=str(failure)) from None

    def _attempt(self, call: Call, scope: Scope, reader: Reader, for_token: bool) -> Answer:
        if self.stopped.is_set() or self.stop.is_set():
            raise GiveUp
        if not for_token:  # anew for each attempt: waiting may have outlasted the last one
            scope = {**scope, "token": self._token()}
        buckets = self.buckets(scope)
        with self.limits.turn(buckets) as waited:
            self.cost.count(requests=1, waited=waited)
            now = datetime.fromtimestamp(self.client.now(), ZoneInfo(self.manners.zone))
            request, _ = call.build({**scope, "now": now})
            response = self.client.send(request)
            self._look_at_clock(response)
        try:
            answer = reader.read(response)
        except NotJson:
            raise self._not_json(response, scope, buckets, for_token) from None
        if self._is_good(answer, for_token):
            for bucket in buckets:
                bucket.went_well()
            return answer
        raise self._judged(answer, scope, buckets, for_token)

    def _look_at_clock(self, response: Response) -> None:
        """Note how far the platform's clock is from ours, as the head of its answer tells it."""
        told = response.header("date")
        try:
            at = parsedate_to_datetime(told).timestamp() if told else None
        except ValueError:
            at = None
        if at is not None:
            self.cost.skew = at - self.client.now()

    # --- judging ------------------------------------------------------------------------------------------------

    def _is_good(self, answer: Answer, for_token: bool) -> bool:
        if for_token and self.tokens:
            return self.tokens.is_good(answer)
        fine = 200 <= answer.response.status < 300
        if not fine or self.manners.success is None:
            return fine
        return bool(self.manners.success(answer.scope(whole=self.manners.success_needs_all)))

    def _judged(self, answer: Answer, scope: Scope, buckets: list[Bucket], for_token: bool) -> Exception:
        """What to do about an answer that is no success, as the exception to raise."""
        told = {**scope, **answer.scope(whole=True), "text": short(answer, 2000)}
        said = self._said(answer, told)
        found = self._by_case(told, said, scope, buckets, for_token)
        return found or self._by_status(answer.response, said, scope, buckets)

    def _by_case(
        self, told: Scope, said: str, scope: Scope, buckets: list[Bucket], for_token: bool
    ) -> Exception | None:
        """What the connector says about an answer, if it says anything."""
        case = next((one for one in self.manners.cases if one.when(told)), None)
        if case is None:
            return None
        if case.do == "retry":
            return self._again(said, _seconds(case.after, told), buckets if case.is_ban else [])
        if case.do == "reauthorise" and not for_token:
            return _Refused(dict(scope.get("token") or {}), said, case.say)
        if case.do == "tomorrow":
            return UsedUp(said, self._tomorrow())
        if case.do == "halve":
            return TooDeep()
        if case.do == "skip":
            return Skip(said)
        return self._given_up("token-refused" if for_token else "refused", said=said, say=case.say)

    def _by_status(self, response: Response, said: str, scope: Scope, buckets: list[Bucket]) -> Exception:
        if response.status in _TRANSIENT:
            return self._again(
                said, _retry_after(response, self.client.now()), buckets if response.status == 429 else []
            )
        if response.status == 401:
            return _Refused(dict(scope.get("token") or {}), said, None)
        return self._given_up("refused", said=said)

    def _not_json(self, response: Response, scope: Scope, buckets: list[Bucket], for_token: bool) -> Exception:
        text = " ".join(response.body[:2000].decode("utf-8", "replace").split())
        headers = dict(reversed(response.headers))
        told = {**scope, "body": {}, "status": response.status, "headers": headers, "text": text}
        said = f"HTTP {response.status}, {text[:120]}"
        if 200 <= response.status < 300:  # a page of a proxy, or an answer that was cut off
            return TryAgain(f"the answer is no JSON: {said}")
        return self._by_case(told, said, scope, buckets, for_token) or self._by_status(response, said, scope, buckets)

    def _again(self, said: str, after: float | None, banned: list[Bucket]) -> Exception:
        """Try again, unless the platform wants to be left alone for longer than a run should wait."""
        if after is not None and after > LONGEST_WAIT:
            return UsedUp(said, self._moment(self.client.now() + after))
        for bucket in banned:
            bucket.banned(self.client.now(), 1.0 if after is None else after)
        return TryAgain(said, after)

    def _moment(self, at: float) -> str:
        return datetime.fromtimestamp(at, ZoneInfo(self.manners.zone)).strftime("%Y-%m-%d %H:%M")

    def _said(self, answer: Answer, told: Mapping[str, Any]) -> str:
        said = self.manners.message(told) if self.manners.message else None
        words = " ".join(str(said).split())[:300] if said not in (None, "") else short(answer)
        return words if answer.response.status == 200 else f"HTTP {answer.response.status}, {words}"

    def _tomorrow(self) -> str:
        here = datetime.fromtimestamp(self.client.now(), ZoneInfo(self.manners.zone))
        return (here + timedelta(days=1)).strftime("%Y-%m-%d 00:00")

    def _given_up(self, code: str, **facts: Any) -> GiveUp:
        return GiveUp(finding(code, self.place, name=self.name, **facts))

    # --- waiting ------------------------------------------------------------------------------------------------

    def _wait(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        if isinstance(failure, TryAgain) and failure.after is not None:
            return max(0.0, failure.after)
        backoff = self.manners.backoff
        return wait_exponential_jitter(multiplier=backoff, max=self.manners.longest, jitter=backoff)(state)

    def _sleep(self, wait: float) -> None:
        """Wait, and look up now and then whether anybody still wants to know."""
        self.cost.count(waited=wait)
        while wait > 0 and not self.stop.is_set():
            self.client.sleep(min(wait, 1.0))
            wait -= 1.0


def _seconds(rule: Template | None, told: Scope) -> float | None:
    """The seconds that a message tells; None where it does not tell any."""
    try:
        found = rule(told) if rule else None
        return None if found is None else float(found)
    except (Wrong, TypeError, ValueError):
        return None


def _retry_after(response: Response, now: float) -> float | None:
    given = response.header("retry-after") or ""
    try:
        return float(given)
    except ValueError:
        pass
    try:
        at = datetime.strptime(given, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=ZoneInfo("UTC")).timestamp()
    except ValueError:
        return None
    return max(0.0, at - now)
