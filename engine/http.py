"""One polite HTTP client: bounded in time and size, never to another host with what was meant for this one.

It makes one attempt for each request. When to try again, how long to wait and what an answer means is for those who
ask; that the network failed is `TryAgain`, that an answer must not be taken `GiveUp`.
"""

from __future__ import annotations

import re
import ssl
import threading
import time
from urllib.parse import quote, urlencode, urljoin, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import httpx

from engine.connector import GiveUp, Request, Response, TryAgain
from engine.diagnostic import finding

LARGEST = 256 << 20
"""Bytes that an answer may have, unpacked."""
LONGEST = 300.0
"""Seconds that an answer may take to arrive as a whole."""
_TIMEOUTS = {"timeout": {"connect": 15.0, "read": 60.0, "write": 60.0, "pool": None}}
"""Seconds to connect, and without a byte."""
_HEADERS = (("accept", "*/*"), ("accept-encoding", "gzip, deflate"), ("user-agent", "commerce-engine"))
CONNECTIONS = httpx.Limits(max_connections=32, max_keepalive_connections=32, keepalive_expiry=30.0)
REDIRECTS = 3
_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")
"""What a header may be made of; its value neither begins nor ends with a blank."""
_REDIRECTING = (301, 302, 303, 307, 308)


class HttpClient:
    """Sends requests over the network; keeps connections. Safe to use from many threads. Close it after use.

    It uses httpx's transports by themselves: what its client adds (cookies, redirects, a log of whole URLs) is not
    wanted here, and costs as much as the transport. Proxies are those of the environment.
    """

    def __init__(self, *, largest: int = LARGEST, longest: float = LONGEST) -> None:
        self._largest, self._longest = largest, longest
        self._transports: dict[str | None, httpx.HTTPTransport] = {}
        self._lock = threading.Lock()
        self._proxies = getproxies_environment()

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
        for transport in self._transports.values():
            transport.close()

    def _attempt(self, request: Request, url: str) -> Response:
        if url == request.url and request.query:
            url += ("&" if "?" in url else "?") + urlencode(request.query, quote_via=quote)
        _check_headers(request, host_of(url))
        try:
            asked = httpx.Request(
                request.method, url, headers=[*_HEADERS, *request.headers], content=request.body, extensions=_TIMEOUTS
            )
            until = time.monotonic() + self._longest
            response = self._transport(asked.url).handle_request(asked)
            try:
                body = self._body(response, host_of(url), until)
                headers = tuple((name.lower(), value) for name, value in response.headers.multi_items())
                return Response(response.status_code, headers, body)
            finally:
                response.close()
        except httpx.TimeoutException:
            raise TryAgain(f"{host_of(url)} did not answer in time") from None
        except httpx.DecodingError:
            raise TryAgain(f"{host_of(url)} sent an answer that cannot be unpacked") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError):
            raise GiveUp(finding("bad-url", url=host_of(url) or "?")) from None
        except httpx.TransportError as failure:
            if isinstance(_cause(failure), ssl.SSLCertVerificationError):
                reason = _cause(failure).verify_message  # type: ignore[attr-defined]
                raise GiveUp(finding("bad-certificate", host=host_of(url), reason=reason)) from None
            raise TryAgain(f"{host_of(url)} cannot be reached: {_said(failure)}") from None

    def _transport(self, url: httpx.URL) -> httpx.HTTPTransport:
        """The transport to a host: straight, or through the proxy that the environment names."""
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        if proxy and proxy_bypass_environment(url.host, self._proxies):
            proxy = None
        with self._lock:
            if proxy not in self._transports:
                self._transports[proxy] = httpx.HTTPTransport(limits=CONNECTIONS, proxy=proxy)
            return self._transports[proxy]

    def _body(self, response: httpx.Response, host: str, until: float) -> bytes:
        self._check_time(host, until)  # headers may have come byte by byte
        told = response.headers.get("content-length", "")
        if told.isdecimal() and int(told) > self._largest:
            raise GiveUp(finding("answer-too-large", host=host, limit=f"{self._largest >> 20} MB"))
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_bytes():
            size += len(piece)
            if size > self._largest:
                raise GiveUp(finding("answer-too-large", host=host, limit=f"{self._largest >> 20} MB"))
            self._check_time(host, until)
            pieces.append(piece)
        return b"".join(pieces)

    def _check_time(self, host: str, until: float) -> None:
        if time.monotonic() > until:
            raise TryAgain(f"{host} took more than {self._longest:.0f} seconds to answer")


def host_of(url: str) -> str:
    """The host of a URL, with its port where it has one: all of a URL that may be told."""
    try:
        split = urlsplit(url)
        return f"{split.hostname}:{split.port}" if split.port else split.hostname or ""
    except ValueError:
        return ""


def _check_headers(request: Request, host: str) -> None:
    """Refuse headers that cannot be sent; their values may be secrets, so only the name is told."""
    for name, value in request.headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise GiveUp(finding("bad-header", header=name.encode("ascii", "replace").decode(), host=host))


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
