"""What papers claim, and what the records say about it: verdicts by rule, never by hand.

``claims.toml`` holds the claims. Each names the runs that decide it by their arm ("unsir paper"),
the metric, what it is compared with, and the band in which a measurement counts as the claim
reproduced. A finding that a paper states in general is judged wherever it was run; a number that
belongs to a setting (an accuracy, a time, a speed-up over some schedule) is judged by runs of that
setting alone, and is "elsewhere" otherwise.
"""

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kit.experiments import results
from kit.metrics.statistics import over_seeds
from kit.runtime.checks import one_of

FILE = Path(__file__).with_name("claims.toml")
RULES = ("near", "at most", "at least")
COMPARISONS = ("", "difference", "ratio", "inverse ratio")
VERDICTS = ("reproduced", "partly", "not reproduced", "elsewhere", "not run")
READ = {  # how a claim was read -> what a reader is told
    "abstract": "the paper's abstract",
    "earlier abstract": "the abstract of an earlier version",
    "text": "the paper's text",
    "figure": "a figure of the paper, digitised",
    "code": "the authors' code",
    "summary": "a summary by others",
    "inferred": "our reading",
}
ABOUT = {  # what a claim is about -> its heading
    "answers": "answers on\nwhat is forgotten",
    "rest": "accuracy\non the rest",
    "inside": "what is left\ninside",
    "speed": "speed",
    "reference": "networks to\ncompare with",
}
UNITS = {"Mnats": 1e6}  # of claims in larger units than ours
# Metrics that are read off the curves: epochs until the original's retain accuracy is reached.
EPOCHS = {"epochs_to_original": False, "epochs_to_original_for_good": True}


@dataclass(frozen=True)
class Claim:
    """One claim of a paper.

    Attributes
    ----------
    about
        one of ``ABOUT``.
    read, source
        how the claim was read, one of ``READ``; and where: data set, network, table or figure.
    statement
        what it is a part of: the numbers of one figure, or one sentence in several settings.
    counted
        false for what cannot fail (true by construction) and what we only infer (``read``):
        measured and judged, but in no count.
    margin
        "ours" where the paper has a word and no number ("comparable"): the level is then ours.
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
        over theirs, or theirs over ours ("inverse ratio": a speed-up). ``theirs_metric`` where
        theirs is another column: a retrained model has no filter to look behind.
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
    about: str = ""
    read: str = ""
    statement: str = ""
    counted: bool = True
    margin: str = "paper"
    rule: str = "near"
    tolerance: float = 0.0
    unit: str = "%"
    experiment: str = ""
    ours: str = ""
    metric: str = ""
    request: str = ""
    theirs: str = ""
    compare: str = ""
    theirs_metric: str = ""
    scale: str = ""
    elsewhere: bool = False
    why: str = ""

    def __post_init__(self):
        one_of(f"claim {self.id}: rule", self.rule, RULES)
        one_of(f"claim {self.id}: about", self.about, ("", *ABOUT))
        one_of(f"claim {self.id}: read", self.read, ("", *READ))
        one_of(f"claim {self.id}: margin", self.margin, ("paper", "ours"))
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
    """Mean over ``seeds`` with its 95 % interval (Student's t; none for one seed), and the verdict.

    ``ran`` is the number of seeds with records; those without the metric are not in ``seeds``.
    """

    mean: float
    low: float
    high: float
    seeds: int
    ran: int
    verdict: str


NOT_RUN = Measured(math.nan, math.nan, math.nan, 0, 0, "not run")


def load(file: Path = FILE) -> list[Claim]:
    """All claims; ``ValueError`` names the one that is wrong."""
    found = [Claim(**entry) for entry in tomllib.loads(file.read_text())["claim"]]
    names = [claim.id for claim in found]
    if len(set(names)) != len(names):
        raise ValueError(f"two claims are called {next(n for n in names if names.count(n) > 1)!r}")
    return found


def judge(claim: Claim, records: pd.DataFrame) -> Measured:
    """What the records say about a claim.

    Seeds are the unit: a seed's requests are averaged first. Then ``verdict`` decides.
    """
    runs = measure(claim, records)
    by_seed = runs.unstack("task").dropna().mean(axis=1)  # a seed counts with all its requests
    if by_seed.empty:
        return NOT_RUN
    seeds, ran = len(by_seed), len(runs.index.unique("seed"))
    mean, low, high = float(by_seed.mean()), math.nan, math.nan  # one seed has no interval
    if seeds > 1:
        spread = over_seeds(by_seed)
        mean, low, high = spread.mean, spread.low, spread.high
    return Measured(mean, low, high, seeds, ran, verdict(claim, mean, low, high))


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
    """One value a run, indexed by task and seed; empty if the runs are not there."""
    runs = records[records["experiment"] == claim.experiment]
    if claim.request:
        runs = runs[runs["task"] == claim.request]
    if claim.metric in EPOCHS and len(runs):
        runs = runs.assign(**{claim.metric: _epochs_to_original(runs, claim)})
    ours = _values(runs, claim.ours, claim.metric)
    if claim.compare:
        theirs = _values(runs, claim.theirs, claim.theirs_metric or claim.metric)
        if claim.compare == "difference":
            ours = ours - theirs
        else:
            ours = ours / theirs if claim.compare == "ratio" else theirs / ours
    return ours / UNITS.get(claim.unit, 1)


def epochs_to(curve: Sequence[float], goal: float, *, for_good: bool = False) -> float:
    """The first epoch at which a curve is at its goal, counted from 1; infinity if it never is.

    With ``for_good`` the first epoch from which on the curve stays there.
    """
    epochs = list(enumerate(curve, 1))
    if for_good:
        last_below = max((epoch for epoch, value in epochs if value < goal), default=0)
        return last_below + 1 if last_below < len(curve) else math.inf
    return next((epoch for epoch, value in epochs if value >= goal), math.inf)


def scorecard(root: Path | None = None, file: Path = FILE) -> pd.DataFrame:
    """Every claim with what was measured: columns of ``Claim`` and of ``Measured``."""
    records = results.read(root=root)
    rows = [vars(claim) | vars(judge(claim, records)) for claim in load(file)]
    return pd.DataFrame(rows)


def statements(card: pd.DataFrame) -> pd.DataFrame:
    """The counted claims of a scorecard by statement: ``paper``, ``about`` and ``verdict``.

    A statement's verdict is that of its judged claims where they agree, else "partly".
    """
    counted = card[card["counted"]]
    names = counted["statement"].where(counted["statement"] != "", counted["id"])
    groups = counted.groupby(names.rename("statement"), sort=False)
    return groups.agg(
        paper=("paper", "first"), about=("about", "first"), verdict=("verdict", _together)
    )


def _together(verdicts: pd.Series) -> str:
    judged = set(verdicts) & set(VERDICTS[:3])
    if not judged:
        return "elsewhere" if "elsewhere" in set(verdicts) else "not run"
    return judged.pop() if len(judged) == 1 else "partly"


def show_value(value: float, unit: str) -> str:
    """A number as a page prints it: "%" and "points" from shares, factors as "times"."""
    if math.isnan(value):
        return "–"
    if unit == "%":
        return f"{100 * value:z.1f} %"
    if unit == "points":
        return f"{100 * value:+z.1f} points".replace("+0.0", "0.0")
    if unit == "% of the maximum":
        return f"{100 * value:.0f} % of the maximum"
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{number} {unit}".strip()


def show_claimed(claim: Claim) -> str:
    """The number claimed and the band in which a measurement counts: "0.0 % ± 1.0 points"."""
    if claim.rule != "near":
        edge = show_value(claim.band[claim.rule == "at most"], claim.unit)
        number = show_value(claim.claimed, claim.unit)
        return f"{claim.rule} {edge}" if number == edge else f"{number}, {claim.rule} {edge}"
    slack = show_value(claim.tolerance, "points" if "%" in claim.unit else claim.unit)
    return f"{show_value(claim.claimed, claim.unit)} ± {slack.lstrip('+')}"


def show_measured(found: Measured, unit: str) -> str:
    """The mean with its interval: "2.1 times (1.7 to 2.6)"."""
    text = show_value(found.mean, unit)
    if found.seeds > 1:
        edges = (show_value(edge, unit) for edge in (found.low, found.high))
        low, high = (edge.removesuffix(unit).strip() for edge in edges)
        text += f" ({low} to {high})"
    return text


def _epochs_to_original(runs: pd.DataFrame, claim: Claim) -> pd.Series:
    """Epochs until a run's retain accuracy is that of the original; NaN without an original.

    A run that never arrives takes infinitely many. What it is compared with counts with all its
    epochs then: the speed-up is a lower bound.
    """
    originals = runs[runs["method"] == "original"].set_index(["task", "seed"])["retain_accuracy"]

    def epochs(run: pd.Series) -> float:
        key, curve = (run["task"], run["seed"]), run["curves"].get("retain_accuracy", [])
        if key not in originals or not curve:
            return math.nan
        needed = epochs_to(curve, originals[key], for_good=EPOCHS[claim.metric])
        return min(needed, len(curve)) if run["arm"] == claim.theirs else needed

    return runs.apply(epochs, axis=1)


def _values(runs: pd.DataFrame, arm: str, metric: str) -> pd.Series:
    """The metric of one arm's runs by task and seed; NaN where a record does not have it."""
    chosen = runs[runs["arm"] == arm].set_index(["task", "seed"])
    return chosen.reindex(columns=[metric])[metric].astype(float)
