"""Declarative integration and metrics for commerce data: YAML in, governed tables and KPIs out."""

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import Answer, Diagnostic, Findings, Plan, Run, Workspace, load

    __version__: str

__all__ = ["Answer", "Diagnostic", "Findings", "Plan", "Run", "Workspace", "__version__", "load"]


def __getattr__(name: str) -> object:
    """Import the API when it is first used, so that `engine --help` need not wait for a database engine."""
    if name == "__version__":
        from importlib.metadata import version

        return version("commerce-engine")
    if name in __all__:
        from engine import api

        globals().update({one: getattr(api, one) for one in __all__ if one != "__version__"})
        return globals()[name]
    raise AttributeError(f"module 'engine' has no attribute {name!r}")


class _Engine(ModuleType):
    """`engine.load` is the function, whoever imported the package `engine.load` before."""

    def __setattr__(self, name: str, value: object) -> None:
        if name != "load" or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Engine
