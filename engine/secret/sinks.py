"""Mask what leaves the process on ways of its own: log records of all libraries, and tracebacks."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from threading import Lock
from types import TracebackType
from typing import Any

from engine.diagnostic.masking import known, mask

_TALKATIVE = ("httpx", "httpcore", "urllib3")
"""Loggers that write whole URLs; with handlers of their own they would not pass the root's."""
_STANDARD = frozenset(vars(logging.makeLogRecord({})))

_lock = Lock()


class Mask(logging.Filter):
    """Masks secrets in records: the message, its arguments, the traceback and fields that somebody added."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, masked."""
        mask_record(record)
        return True


def guard() -> None:
    """See to it that no secret leaves in a log record or a traceback. Doing it again changes nothing.

    Records are masked as they are made, so that loggers and handlers that come later are covered; the filters catch fields
    that are added to a record after it was made, and records that another process made.
    """
    with _lock:
        if not isinstance(logging.getLogRecordFactory(), _Masked):
            logging.setLogRecordFactory(_Masked(logging.getLogRecordFactory()))
        root = logging.getLogger()
        for one in (root, *root.handlers, *map(logging.getLogger, _TALKATIVE)):
            if not any(isinstance(there, Mask) for there in one.filters):
                one.addFilter(Mask())
        if not isinstance(sys.excepthook, _Quiet):
            sys.excepthook = _Quiet(sys.excepthook)
        if not isinstance(threading.excepthook, _QuietThread):
            threading.excepthook = _QuietThread(threading.excepthook)


def mask_record(record: logging.LogRecord) -> None:
    """Mask a log record where it holds a secret; one that holds none is left as it is."""
    if known.is_empty:
        return
    message = _message(record)
    if (shown := mask(message)) != message:
        record.msg, record.args = shown, ()
    if record.exc_info and record.exc_info[1] is not None:
        told = "".join(traceback.format_exception(record.exc_info[1]))
        if (shown := mask(told)) != told:
            # Formatters write `exc_text` where there is no exception to format.
            record.exc_text, record.exc_info = shown.rstrip("\n"), None
    if record.exc_text:
        record.exc_text = mask(record.exc_text)
    if record.stack_info:
        record.stack_info = mask(record.stack_info)
    for name in vars(record).keys() - _STANDARD:
        value = getattr(record, name)
        if not isinstance(value, int | float | None) and mask(str(value)) != str(value):
            setattr(record, name, mask(str(value)))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args}"  # the logging module will complain; what it shows is masked all the same


class _Masked:
    """Makes log records, masked."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self.make = make

    def __call__(self, *args: Any, **options: Any) -> logging.LogRecord:
        record = self.make(*args, **options)
        mask_record(record)
        return record


class _Quiet:
    """Shows an exception that nobody caught: as before, or, where it holds a secret, masked."""

    def __init__(self, before: Callable[..., Any]) -> None:
        self.before = before

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        told = "".join(traceback.format_exception(kind, error, trace))
        if (shown := mask(told)) == told:
            self.before(kind, error, trace)
        elif sys.stderr is not None:
            sys.stderr.write(shown)


class _QuietThread:
    """The same for an exception that ends a thread."""

    def __init__(self, before: Callable[[threading.ExceptHookArgs], Any]) -> None:
        self.before = before

    def __call__(self, args: threading.ExceptHookArgs, /) -> None:
        if args.exc_value is None:
            self.before(args)
            return
        told = "".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback))
        if (shown := mask(told)) == told:
            self.before(args)
        elif sys.stderr is not None:
            sys.stderr.write(f"Exception in thread {args.thread.name if args.thread else '?'}:\n{shown}")
