"""How well scores tell members from non-members: ROC, AUC, TPR at a low FPR, with intervals."""

from dataclasses import dataclass

import numpy as np
import scipy
from torch import Tensor

from kit.metrics.checks import check_numbers
from kit.metrics.undefined import Undefined


@dataclass(frozen=True, eq=False)
class Attack:
    """The outcome of a membership attack; a higher score says "member" more loudly.

    Attributes
    ----------
    members, nonmembers
        scores, float ``[n]`` and ``[m]``.
    member_groups, nonmember_groups
        int, which scores belong together (those of one shadow model, say); intervals resample whole
        groups. By default every score is a group of its own.
    """

    members: Tensor
    nonmembers: Tensor
    member_groups: Tensor | None = None
    nonmember_groups: Tensor | None = None

    def __post_init__(self):
        check_numbers("an attack on members and non-members", self.members, self.nonmembers)

    @property
    def auc(self) -> float:
        """Probability that a member's score exceeds a non-member's (a tie counts half): [0, 1].

        Chance: 0.5. Far below 0.5 tells the two apart as well as far above: see ``leak``.
        """
        return _auc(self.members.numpy(), self.nonmembers.numpy())

    @property
    def leak(self) -> float:
        """``|2 AUC - 1|`` in [0, 1]: two-sided, so that over-forgetting does not look like 0."""
        return abs(2 * self.auc - 1)

    @property
    def balanced_accuracy(self) -> float:
        """The best ``(TPR + TNR) / 2`` of any threshold, chosen on these very scores: an upper
        bound, biased upwards on few samples; ``membership.threshold_attack`` is not."""
        fpr, tpr = self.roc()
        return float((0.5 * (tpr + 1 - fpr)).max())

    def tpr(self, fpr: float = 0.01) -> float:
        """The largest share of members found with at most this share of false alarms, in [0, 1].

        Chance: ``fpr``. Meaningful only with many more than ``1 / fpr`` non-members.
        """
        x, y = self.roc()
        return float(y[x <= fpr + 1e-12].max())

    def roc(self) -> tuple[np.ndarray, np.ndarray]:
        """False and true positive rates of every threshold, from (0, 0) to (1, 1)."""
        return _roc(self.members.numpy(), self.nonmembers.numpy())

    def null_auc_sd(self) -> float:
        """Standard deviation of the AUC where there is nothing to find and scores are independent:
        ``sqrt((n + m + 1) / (12 n m))``."""
        n, m = len(self.members), len(self.nonmembers)
        return ((n + m + 1) / (12 * n * m)) ** 0.5

    def interval(
        self, statistic: str = "auc", *, level: float = 0.95, draws: int = 1000, seed: int = 0,
        **arguments,
    ) -> tuple[float, float]:  # fmt: skip
        """Bootstrap interval of "auc", "leak", "balanced_accuracy" or "tpr" (with ``fpr=``).

        Whole groups are resampled: the scores that one shadow model gives are not independent.
        ``ValueError`` where there is but one of them, which cannot vary.
        """
        rng = np.random.default_rng(seed)
        inside = _by_group(len(self.members), self.member_groups)
        outside = _by_group(len(self.nonmembers), self.nonmember_groups)
        if min(len(inside), len(outside)) < 2:
            raise Undefined("an interval needs at least two members and two non-members, or groups")
        # Scores of one shadow model stand on both sides: it is drawn for both or for neither.
        shared = self.member_groups is not None and list(inside) == list(outside)
        values = []
        for _ in range(draws):
            here = rng.integers(len(inside), size=len(inside))
            there = here if shared else rng.integers(len(outside), size=len(outside))
            drawn = Attack(
                self.members[_rows(inside, here)], self.nonmembers[_rows(outside, there)]
            )
            value = getattr(drawn, statistic)
            values.append(value(**arguments) if callable(value) else value)
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def _roc(members: np.ndarray, nonmembers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores = np.concatenate([members, nonmembers])
    is_member = np.arange(len(scores)) < len(members)
    order = np.argsort(-scores, kind="stable")
    scores, is_member = scores[order], is_member[order]
    last = np.append(scores[1:] != scores[:-1], True)  # ties share one threshold
    tpr = np.cumsum(is_member)[last] / len(members)
    fpr = np.cumsum(~is_member)[last] / len(nonmembers)
    return np.append(0.0, fpr), np.append(0.0, tpr)


def _auc(members: np.ndarray, nonmembers: np.ndarray) -> float:
    n, m = len(members), len(nonmembers)
    ranks = scipy.stats.rankdata(
        np.concatenate([members, nonmembers])
    )  # ties share their mean rank
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def _by_group(count: int, groups: Tensor | None) -> dict[int, np.ndarray]:
    """Group -> the positions of its scores."""
    if groups is None:
        return dict(enumerate(np.arange(count)[:, None]))
    return {g: (groups == g).nonzero().flatten().numpy() for g in groups.unique().tolist()}


def _rows(groups: dict[int, np.ndarray], picked: np.ndarray) -> np.ndarray:
    positions = list(groups.values())
    return np.concatenate([positions[i] for i in picked])
