"""How a call of the command line speaks: language, form of findings, colours; and the words in which it fails."""

from __future__ import annotations

import locale
import os
import sys
from pathlib import Path
from typing import Any

import typer

from engine.cli.options import HERE, Form, Lang
from engine.cli.words import Language, say, some
from engine.diagnostic import Diagnostic, Findings, errors, finding, render
from engine.diagnostic.masking import mask


class _Tone:
    """How this call speaks: in which form and language, and about the manifests of which folder."""

    form: Form = Form.text
    language: Language = "en"
    root: Path = Path()


tone = _Tone()


def speak(lang: Lang | None, form: Form = Form.text, project: Path = HERE) -> Language:
    """Settle how this call speaks; returns the language."""
    tone.form, tone.language = form, language_of(lang)
    tone.root = project if project.is_dir() else project.parent
    return tone.language


def language_of(asked: Lang | None) -> Language:
    """The language that was asked for, or that of the locale."""
    if asked:
        return "zh" if asked is Lang.zh else "en"
    named = next((os.environ[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(key)), None)
    return "zh" if (named or locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


def speak_utf8() -> None:
    """Write UTF-8 whatever the terminal's encoding is said to be."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="replace")


def tell(found: tuple[Diagnostic, ...]) -> None:
    """Write findings in the form and language of this call."""
    language = tone.language
    if tone.form is Form.json:
        typer.echo(render.as_json(found, language))
    elif tone.form is Form.github:
        if found:
            typer.echo(render.github(found, language, _from_repository()))
    elif found:
        colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        typer.echo(render.text(found, language, colour=colour) + "\n", err=True)
        if len(found) > 1:
            wrong, right = len(errors(found)), len(found) - len(errors(found))
            counts = [("error", wrong)] * bool(wrong) + [("warning", right)] * bool(right)
            told = say(language, "and").join(some(language, f"one {kind}", f"{kind}s", n) for kind, n in counts)
            typer.echo(told + "\n", err=True)


def _from_repository() -> str:
    """The way from the top of the repository, where CI looks for files, to the project."""
    top = os.environ.get("GITHUB_WORKSPACE") or Path.cwd()
    return Path(os.path.relpath(tone.root, top)).as_posix()


# --- failing ----------------------------------------------------------------------------------------------------


def misused(failure: Any) -> int:
    """Say that the command line could not be understood."""
    said = failure.format_message().rstrip(".")
    command = failure.ctx.command_path if getattr(failure, "ctx", None) else "engine"
    tone.language = language_of(_asked())
    tell((finding("usage", reason=said[:1].lower() + said[1:], command=command),))
    return 2


def unwritten(failure: OSError) -> int:
    """Say that a file could not be written."""
    tell((finding("unwritable", path=str(failure.filename or "?"), reason=failure.strerror or str(failure)),))
    return 3


def failed(failure: Exception) -> int:
    """Say what went wrong: findings as such, anything else as a bug, without the secrets that its words may hold."""
    if isinstance(failure, Findings):
        tell(failure.diagnostics)
        return failure.status
    if isinstance(failure.__cause__, OSError) or type(failure).__name__ == "FileCreateError":
        cause = failure.__cause__ or failure.args[0]
        return unwritten(cause if isinstance(cause, OSError) else OSError(str(cause)))
    if os.environ.get("ENGINE_DEBUG"):
        raise failure
    words = say(tone.language, "bug", what=mask(f"{type(failure).__name__}: {failure}"))
    typer.echo(f"{words}\n  = {say(tone.language, 'bug help')}", err=True)
    return 70


def _asked() -> Lang | None:
    """The language that the command line asks for, where it could not be read as a whole."""
    for word, following in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        given = word.removeprefix("--lang=") if word.startswith("--lang=") else following if word == "--lang" else None
        if given in ("en", "zh"):
            return Lang(given)
    return None
