"""One polite HTTP client: bounded in time and size, never to another host with what was meant for this one.

It makes one attempt for each request. When to try again, how long to wait and what an answer means is for those who
ask; that the network failed is `TryAgain`, that an answer must not be taken `GiveUp`.
"""

from __future__ import annotations

import logging
import ssl
import time
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit

import httpx

from engine.connector import GiveUp, Request, Response, TryAgain
from engine.diagnostic import finding

LARGEST = 256 << 20
"""Bytes that an answer may have, unpacked."""
LONGEST = 300.0
"""Seconds that an answer may take to arrive as a whole."""
PATIENCE = httpx.Timeout(60.0, connect=15.0, pool=None)
"""Seconds without a byte, and to connect."""
CONNECTIONS = httpx.Limits(max_connections=32, max_keepalive_connections=32, keepalive_expiry=30.0)
REDIRECTS = 3
_REDIRECTING = (301, 302, 303, 307, 308)


class HttpClient:
    """Sends requests over the network; keeps connections. Safe to use from many threads. Close it after use."""

    def __init__(self, *, largest: int = LARGEST, longest: float = LONGEST) -> None:
        self._largest, self._longest = largest, longest
        # No cookies are kept and no redirect is followed by itself: both could carry secrets to where they do not belong.
        self._client = httpx.Client(timeout=PATIENCE, limits=CONNECTIONS, follow_redirects=False)
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells whole URLs, tokens and all, at level INFO

    def send(self, request: Request) -> Response:
        """Send a request and read the whole answer.

        A GET that is redirected on the same host is followed. Raises `TryAgain` where the network failed or took too
        long, and `GiveUp` where the certificate is wrong, the answer too large, or another host is to be asked.
        """
        url = request.url
        for _ in range(REDIRECTS):
            response = self._attempt(request, url)
            if response.status not in _REDIRECTING:
                return response
            url = _onwards(request, url, response.header("location") or "")
        raise GiveUp(finding("redirected", host=host_of(url), to=host_of(url)))

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _attempt(self, request: Request, url: str) -> Response:
        params = request.query if url == request.url and request.query else None
        try:
            with self._client.stream(
                request.method, url, params=params, headers=list(request.headers), content=request.body
            ) as response:
                body = self._body(response, host_of(url))
                headers = tuple((name.lower(), value) for name, value in response.headers.multi_items())
                return Response(response.status_code, headers, body)
        except httpx.TimeoutException:
            raise TryAgain(f"{host_of(url)} did not answer in time") from None
        except httpx.DecodingError:
            raise TryAgain(f"{host_of(url)} sent an answer that cannot be unpacked") from None
        except httpx.TransportError as failure:
            if isinstance(_cause(failure), ssl.SSLCertVerificationError):
                reason = _cause(failure).verify_message  # type: ignore[attr-defined]
                raise GiveUp(finding("bad-certificate", host=host_of(url), reason=reason)) from None
            raise TryAgain(f"{host_of(url)} cannot be reached: {_said(failure)}") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError):
            raise GiveUp(finding("bad-url", url=host_of(url) or "?")) from None

    def _body(self, response: httpx.Response, host: str) -> bytes:
        until = time.monotonic() + self._longest
        told = response.headers.get("content-length", "")
        if told.isdecimal() and int(told) > self._largest:
            raise GiveUp(finding("answer-too-large", host=host, limit=f"{self._largest >> 20} MB"))
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_bytes():
            size += len(piece)
            if size > self._largest:
                raise GiveUp(finding("answer-too-large", host=host, limit=f"{self._largest >> 20} MB"))
            if time.monotonic() > until:
                raise TryAgain(f"{host} took more than {self._longest:.0f} seconds to answer")
            pieces.append(piece)
        return b"".join(pieces)


def host_of(url: str) -> str:
    """The host of a URL, with its port where it has one: all of a URL that may be told."""
    try:
        split = urlsplit(url)
        return f"{split.hostname}:{split.port}" if split.port else split.hostname or ""
    except ValueError:
        return ""


def _onwards(request: Request, url: str, location: str) -> str:
    target = urljoin(url, location)
    here, there = urlsplit(url), urlsplit(target)
    same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    if not same or request.method != "GET" or not location:
        raise GiveUp(finding("redirected", host=host_of(url), to=host_of(target) or "?"))
    return target


def _cause(failure: BaseException) -> BaseException:
    while failure.__cause__ is not None or failure.__context__ is not None:
        failure = failure.__cause__ or failure.__context__  # type: ignore[assignment]
    return failure


def _said(failure: BaseException) -> str:
    return str(_cause(failure)) or type(failure).__name__
