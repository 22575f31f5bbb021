"""An audit, and what it finds: one number of each network, with what it is to be held against."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from torch import nn

from kit.metrics.statistics import mean_interval
from kit.metrics.undefined import Undefined
from kit.tasks import ForgetTask


@dataclass(frozen=True)
class Networks:
    """The networks of a report; ``retrained`` ones never saw what is to be forgotten."""

    before: nn.Module
    after: nn.Module
    sham: nn.Module
    retrained: tuple[nn.Module, ...] = ()

    def named(self) -> dict[str, nn.Module]:
        """All of them by what the report calls them."""
        networks = {"before": self.before, "after": self.after, "sham update": self.sham}
        numbers = range(1, len(self.retrained) + 1)
        return networks | {f"retrained {n}": self.retrained[n - 1] for n in numbers}


@dataclass(frozen=True)
class Measured:
    """A share in [0, 1], and its 95 % interval over the pictures it was measured on, if known."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Audit:
    """One question put to every network of a report.

    Attributes
    ----------
    name
        short, of the stored result.
    question
        in plain words, as a heading.
    measure
        ``measure(network, networks, task, seed) -> Measured``; ``Undefined`` where the number does
        not exist.
    null
        what it gives where there is nothing to find, by task; None where that is not known.
    null_said
        the null in words.
    explained
        how it is measured, for a reader who knows no statistics.
    limits
        what it does not say.
    levels
        of the requests it is for.
    version
        counted up when the measure changes: stored results of an older one are not used.
    """

    name: str
    question: str
    measure: Callable[[nn.Module, Networks, ForgetTask, int], Measured]
    null: Callable[[ForgetTask], float | None]
    null_said: str
    explained: str
    limits: str
    levels: tuple[str, ...] = ("class", "sample")
    version: int = 1

    def run(self, networks: Networks, task: ForgetTask, seed: int) -> "Finding":
        """Measure every network; one of which the number does not exist has None."""
        rows, lacking = {}, {}
        for name, network in networks.named().items():
            try:
                rows[name] = asdict(self._measured(network, networks, task, seed))
            except (Undefined, FloatingPointError) as error:
                rows[name] = asdict(Measured(None))
                lacking[name] = str(error)
        told = (self.name, self.question, self.explained, self.limits)
        reasons = "; ".join(f"{name}: {reason}" for name, reason in lacking.items())
        if lacking.keys() & {"before", "after"}:
            return Finding(*told, lacking=reasons)
        null = self.null(task)
        return Finding(*told, rows, null, self.null_said, _reference(rows), reasons)

    def _measured(
        self, network: nn.Module, networks: Networks, task: ForgetTask, seed: int
    ) -> Measured:
        found = self.measure(network, networks, task, seed)
        if not math.isfinite(found.value):
            raise Undefined("no number came out")
        return found


@dataclass(frozen=True)
class Finding:
    """The outcome of an audit, in plain values.

    Attributes
    ----------
    rows
        network -> ``{"value", "low", "high"}``.
    reference
        of the retrained networks: ``{"mean", "low", "high", "least", "most", "count"}``; the
        interval is Student's, None for a single network. {} where there is none.
    lacking
        why some networks could not be measured; where that is so of the network before or after,
        there are no rows.
    """

    name: str
    question: str
    explained: str
    limits: str
    rows: dict[str, dict[str, float | None]] = field(default_factory=dict)
    null: float | None = None
    null_said: str = ""
    reference: dict[str, float | None] = field(default_factory=dict)
    lacking: str = ""

    def value(self, name: str) -> float:
        """The number of one network."""
        return self.rows[name]["value"]


def _reference(rows: dict[str, dict]) -> dict[str, float | None]:
    retrained = [row["value"] for name, row in rows.items() if name.startswith("retrained")]
    values = [value for value in retrained if value is not None]
    if not values:
        return {}
    low = high = None
    if len(values) > 1:
        interval = mean_interval(values)
        low, high = interval.low, interval.high
    return {
        "mean": sum(values) / len(values), "low": low, "high": high, "least": min(values),
        "most": max(values), "count": len(values),
    }  # fmt: skip
