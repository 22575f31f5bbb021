"""One file per unlearning method; every file of this folder is found and registered by itself."""

from importlib import import_module
from pkgutil import iter_modules

from kit.methods.access import DataAccessError, Needs, TaskView
from kit.methods.registry import Method, get, names, register

__all__ = ["DataAccessError", "Method", "Needs", "TaskView", "get", "names", "register"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
