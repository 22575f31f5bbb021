"""What an unlearning method is, and how a file in this folder becomes one."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from kit.methods.access import Needs
from kit.runtime.checks import known

LEVELS = ("class", "sample", "feature")
_METHODS: dict[str, "Method"] = {}


@dataclass(frozen=True)
class Method:
    """An unlearning method.

    Attributes
    ----------
    name
        as in ``kit.unlearn(name, ...)``.
    level
        tuple of the task levels it can serve: "class", "sample", "feature".
    needs
        the data it may see, where its settings say nothing else; see ``access``.
    paper
        key of the paper in ``book/references.bib``, "" for folklore.
    config
        frozen dataclass of its settings.
    run
        ``run(model, view, config, seed) -> history``; changes ``model`` in place, sees only
        ``view``, returns a dict of curves worth plotting. An image filter that belongs to the
        outcome, ``filter(x)`` on network inputs, is handed over under the key "filter".
    takes
        class of the networks it works on.
    grid
        settings worth trying when it is tuned, name -> values (``kit.experiments.tuning``).
    toy
        settings that suit the toy request of ``kit.methods.check``, where its defaults are meant
        for larger ones.
    """

    name: str
    level: tuple[str, ...]
    needs: Needs
    paper: str
    config: type
    run: Callable
    takes: type = nn.Module
    grid: dict[str, tuple] = field(default_factory=dict)
    toy: dict[str, object] = field(default_factory=dict)

    def access(self, config: object) -> Needs:
        """The data it may see with these settings: ``config.needs`` if they decide it."""
        return getattr(config, "needs", self.needs)

    def configure(self, **options):
        """The settings with these changed; an unknown name or value raises ``ValueError``."""
        known = [f.name for f in dataclasses.fields(self.config)]
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise ValueError(
                f"{self.name} has no setting {', '.join(unknown)}; "
                f"it has {', '.join(known) or 'none'}"
            )
        return self.config(**options)


def register(
    name: str, *, level: tuple[str, ...], paper: str, config: type, needs: Needs | None = None,
    takes: type = nn.Module, grid: dict[str, tuple] | None = None,
    toy: dict[str, object] | None = None,
) -> Callable[[Callable], Callable]:  # fmt: skip
    """Decorator that makes a function an unlearning method.

    ``needs`` is left out where the settings decide it: where ``config`` has a property ``needs``.

    Raises
    ------
    ValueError
        a name that is taken, needs that are declared twice or not at all, an unknown level, or
        settings that are none.
    """
    _check(name, level, config, (grid or {}) | (toy or {}))
    if (needs is None) != hasattr(config, "needs"):
        raise ValueError(f"{name} declares its needs once: in register, or as a property of Config")

    def decorate(run: Callable) -> Callable:
        if name in _METHODS:
            raise ValueError(f"two methods are called {name!r}")
        needed = needs or config().needs
        _METHODS[name] = Method(
            name, level, needed, paper, config, run, takes, grid or {}, toy or {}
        )
        return run

    return decorate


def _check(name: str, level: tuple[str, ...], config: type, settings: dict) -> None:
    if not isinstance(level, tuple) or not level or not set(level) <= set(LEVELS):
        raise ValueError(f"{name}: level is a tuple of {', '.join(LEVELS)}, got {level!r}")
    if not dataclasses.is_dataclass(config):
        raise ValueError(f"{name}: config is a dataclass of its settings, got {config!r}")
    unknown = sorted(set(settings) - {f.name for f in dataclasses.fields(config)})
    if unknown:
        raise ValueError(f"{name}: grid and toy name no setting {', '.join(unknown)}")


def names(level: str | None = None) -> list[str]:
    """All methods, or those that serve a task level ("class", "sample" or "feature")."""
    return sorted(n for n, m in _METHODS.items() if level is None or level in m.level)


def get(name: str) -> Method:
    """The method of this name; ``ValueError`` lists the names if there is none."""
    known("method", name, names())
    return _METHODS[name]
