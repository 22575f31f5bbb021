"""What papers claim, and what the records say about it: verdicts by rule, never by hand.

``claims.toml`` holds the claims. Each names the runs that decide it by their arm ("unsir paper"),
the metric, what it is compared with, and the band in which a measurement
counts as the claim reproduced.
"""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kit.experiments import results
from kit.metrics.statistics import mean_interval
from kit.runtime.checks import one_of

FILE = Path(__file__).with_name("claims.toml")
RULES = ("near", "at most", "at least")
COMPARISONS = ("", "difference", "ratio", "inverse ratio")
EPOCHS = "epochs_to_original"  # a metric that is read off the curves
VERDICTS = ("reproduced", "partly", "not reproduced", "elsewhere", "not run")


@dataclass(frozen=True)
class Claim:
    """One claim of a paper.

    Attributes
    ----------
    source
        where the number was read: table, figure, abstract, code, or somebody's summary.
    claimed, unit
        the paper's number, in the units of what is measured here (shares, not per cents).
    rule, tolerance
        "near" accepts ``claimed +- tolerance``, "at most" what is below ``claimed + tolerance``,
        "at least" what is above ``claimed - tolerance``.
    experiment, ours, metric
        the runs that decide, by the name of their arm; none: the claim is not run.
    request
        the one that counts, as its task is named; none: all.
    theirs, compare
        the arm they are compared with, on the same task and seed, and how: ours minus theirs, ours
        over theirs, or theirs over ours ("inverse ratio": a speed-up).
    scale
        what the runs are, where not the paper's own setting.
    elsewhere
        the number belongs to the paper's setting and ours is another: measured, but not judged.
    why
        why the numbers differ, or what running it needs.
    """

    id: str
    paper: str
    text: str
    source: str
    claimed: float
    rule: str = "near"
    tolerance: float = 0.0
    unit: str = "%"
    experiment: str = ""
    ours: str = ""
    metric: str = ""
    request: str = ""
    theirs: str = ""
    compare: str = ""
    scale: str = ""
    elsewhere: bool = False
    why: str = ""

    def __post_init__(self):
        one_of(f"claim {self.id}: rule", self.rule, RULES)
        if self.compare not in COMPARISONS or bool(self.compare) != bool(self.theirs):
            raise ValueError(f"claim {self.id}: compare and theirs do not fit together")
        if bool(self.experiment) != bool(self.ours and self.metric):
            raise ValueError(f"claim {self.id}: experiment, ours and metric come together")
        if self.elsewhere and not (self.experiment and self.scale):
            raise ValueError(f"claim {self.id}: elsewhere needs an experiment and its scale")

    @property
    def band(self) -> tuple[float, float]:
        """Where a measurement has to lie."""
        low = -math.inf if self.rule == "at most" else self.claimed - self.tolerance
        high = math.inf if self.rule == "at least" else self.claimed + self.tolerance
        return low, high


@dataclass(frozen=True)
class Measured:
    """Mean over seeds with its 95 % interval (Student's t; none for one seed), and the verdict."""

    mean: float
    low: float
    high: float
    seeds: int
    verdict: str


NOT_RUN = Measured(math.nan, math.nan, math.nan, 0, "not run")


def load(file: Path = FILE) -> list[Claim]:
    """All claims; ``ValueError`` names the one that is wrong."""
    found = [Claim(**entry) for entry in tomllib.loads(file.read_text())["claim"]]
    names = [claim.id for claim in found]
    if len(set(names)) != len(names):
        raise ValueError(f"two claims are called {next(n for n in names if names.count(n) > 1)!r}")
    return found


def judge(claim: Claim, records: pd.DataFrame) -> Measured:
    """What the records say about a claim.

    Seeds are the unit: a seed's tasks are averaged first. Then ``verdict`` decides.
    """
    values = measure(claim, records)
    if not len(values):
        return NOT_RUN
    mean, low, high = float(values.mean()), math.nan, math.nan
    if len(values) > 1:
        spread = mean_interval(values)
        low, high = spread.low, spread.high
    return Measured(mean, low, high, len(values), verdict(claim, mean, low, high))


def verdict(claim: Claim, mean: float, low: float, high: float) -> str:
    """The rule: a mean with its interval (NaN for one seed) beside the claim's band.

    Reproduced: mean and interval lie in the band. Partly: the mean does, but the interval leaves
    the band, or there is one seed only. Elsewhere: the claim's number belongs to a setting that is
    not ours.
    """
    if claim.elsewhere:
        return "elsewhere"
    least, most = claim.band
    if not least <= mean <= most:
        return "not reproduced"
    return "reproduced" if least <= low and high <= most else "partly"  # one seed: NaN


def measure(claim: Claim, records: pd.DataFrame) -> pd.Series:
    """One value a seed, empty if the runs are not there."""
    runs = records[records["experiment"] == claim.experiment]
    if claim.request:
        runs = runs[runs["task"] == claim.request]
    if not claim.experiment or runs.empty:
        return pd.Series(dtype=float)
    if claim.metric == EPOCHS:
        runs = runs.assign(**{EPOCHS: _epochs_to_original(runs)})
    ours = _values(runs, claim.ours, claim.metric)
    if claim.compare:
        theirs = _values(runs, claim.theirs, claim.metric)
        if claim.compare == "difference":
            ours = ours - theirs
        else:
            ours = ours / theirs if claim.compare == "ratio" else theirs / ours
    return ours.dropna().groupby("seed").mean()


def scorecard(root: Path | None = None, file: Path = FILE) -> pd.DataFrame:
    """Every claim with what was measured: columns of ``Claim`` and of ``Measured``."""
    records = results.read(root=root)
    rows = [vars(claim) | vars(judge(claim, records)) for claim in load(file)]
    return pd.DataFrame(rows)


def show_value(value: float, unit: str) -> str:
    """A number as the page prints it: "%" and "points" from shares, "x" as a factor."""
    if math.isnan(value):
        return "–"
    if unit in ("%", "points"):
        sign = "+" if unit == "points" else ""
        return f"{100 * value:{sign}.1f} {unit}"
    return f"{value:.3g} {unit}".strip()


def _epochs_to_original(runs: pd.DataFrame) -> pd.Series:
    """Epochs until a run's retain accuracy first reaches that of the original; NaN if never."""
    originals = runs[runs["method"] == "original"].set_index(["task", "seed"])["retain_accuracy"]

    def epochs(run: pd.Series) -> float:
        curve = run["curves"].get("retain_accuracy", [])
        goal = originals.get((run["task"], run["seed"]), math.inf)
        return next((float(n) for n, value in enumerate(curve, 1) if value >= goal), math.nan)

    return runs.apply(epochs, axis=1)


def _values(runs: pd.DataFrame, arm: str, metric: str) -> pd.Series:
    """The metric of one arm's runs by task and seed."""
    chosen = runs[runs["arm"] == arm]
    if metric not in chosen:
        return pd.Series(
            dtype=float, index=pd.MultiIndex.from_arrays([[], []], names=("task", "seed"))
        )
    return chosen.set_index(["task", "seed"])[metric].astype(float).dropna()
