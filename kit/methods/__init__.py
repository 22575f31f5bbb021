"""One file per unlearning method; every file of this folder is found and registered by itself.

So is every module that an installed package names under the entry point
``did_it_really_forget.methods``. ``check`` holds a method against the contracts.
"""

import warnings
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules

from kit.methods import registry
from kit.methods.access import DataAccessError, Needs, TaskView
from kit.methods.contracts import check
from kit.methods.registry import Method, get, names, register

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
for _point in entry_points(group="did_it_really_forget.methods"):
    _before = dict(registry._METHODS)
    try:
        _point.load()
    except (Exception, SystemExit) as error:  # another package's fault must not take ours along
        registry._METHODS = _before
        warnings.warn(f"{_point.value}, a method from outside, is left out: {error}", stacklevel=2)

__all__ = ["DataAccessError", "Method", "Needs", "TaskView", "check", "get", "names", "register"]
