"""Serving: whether a method can answer a request with the images, the network and the passes that
are there."""

import math
from dataclasses import dataclass, field

from torch import nn

from kit.methods.access import Needs
from kit.methods.registry import Method
from kit.tasks import ForgetTask

ROUNDING = 1e-6  # of a share that was computed
NEVER = (math.inf, 0.0)  # the shortage of what no image can mend


@dataclass(frozen=True)
class Left:
    """What is still at hand: ``retain`` and ``forget`` as shares of those training images, the
    passes one can afford (None: any number), the level of the request, and, where known, the
    request itself and the network."""

    retain: float
    forget: float
    level: str
    budget: float | None = None
    task: ForgetTask | None = None
    model: nn.Module | None = None

    def share(self, kind: str) -> float:
        """Of the images of a kind. ``train`` is both, drawn from each class; to forget a feature
        it is what was trained on, which ``forget`` stands for."""
        if kind == "train":
            return self.forget if self.level == "feature" else min(self.retain, self.forget)
        return getattr(self, kind)


@dataclass(frozen=True)
class Serving:
    """Whether a method can serve, ``why`` not or on what condition, and the ``settings`` it then
    takes. ``shortage`` orders those that cannot, nearest first: images missing, then passes."""

    can: bool
    why: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    shortage: tuple[float, float] = (0.0, 0.0)


def serving(method: Method, left: Left, passes: float | None) -> Serving:
    """Whether ``method`` can serve with what is ``left``; ``passes`` is what it takes in units of
    an epoch on the training set, None if no record says."""
    if not _network_fits(method, left.model):
        kind = method.takes.__qualname__
        return Serving(False, f"works on a {kind} only, made before the request", {}, NEVER)
    needs, settings = method.needs, {}
    lacking = _lacking(needs, left)
    if lacking and (less := _with_less(method, left)):
        needs, settings, lacking = *less, {}
    if lacking:
        return Serving(False, "needs " + " and ".join(lacking), {}, (sum(lacking.values()), 0))
    if absent := _absent(needs, left.task):
        return Serving(False, f"needs {absent}", {}, NEVER)
    over = left.budget is not None and passes is not None and passes > left.budget
    if over and not settings:
        why = f"takes {passes:.2g} passes over the training set, the budget is {left.budget:g}"
        return Serving(False, why, {}, (0, passes - left.budget))
    return Serving(True, _condition(needs, left), settings)


def _network_fits(method: Method, model: nn.Module | None) -> bool:
    return method.takes is nn.Module or isinstance(model, method.takes)


def _lacking(needs: Needs, left: Left) -> dict[str, float]:
    """What is missing in words -> the share that is missing."""
    lacking = {}
    for kind in ("retain", "forget", "train"):
        amount = getattr(needs, kind)
        asked = _asked(amount, kind, left)
        if amount and left.share(kind) < asked - ROUNDING or amount and not left.share(kind):
            words = {"retain": "retained", "forget": "forgotten", "train": "training"}[kind]
            said = f"{amount} of the {words} images ({100 * left.share(kind):.3g} % are left)"
            lacking[said] = asked - left.share(kind)
    return lacking


def _asked(amount: str | None, kind: str, left: Left) -> float:
    """The share of the images that an amount asks for.

    "N per class" never asks for more than there is; how much that is only a task can tell.
    """
    if amount is None:
        return 0.0
    if amount == "all":
        return 1.0
    number = float(amount.split()[0])
    if amount.endswith("%"):
        return number / 100
    if left.task is None:
        return 0.0
    most = int(getattr(left.task, kind).y.bincount().max())
    return min(1.0, number / most)


def _condition(needs: Needs, left: Left) -> str:
    """What could not be checked without a task; "" if nothing."""
    amounts = [needs.retain, needs.forget, needs.train]
    counted = [a for a in amounts if str(a).endswith("per class")]
    return f"needs {counted[0]}, or all there were" if counted and left.task is None else ""


def _with_less(method: Method, left: Left) -> tuple[Needs, dict[str, str]] | None:
    """Its needs, and the setting ``amount``, with which it asks for no more than there is."""
    kinds = [k for k in ("retain", "forget", "train") if getattr(method.needs, k)]
    share = min(left.share(kind) for kind in kinds)
    if "amount" not in vars(method.config()) or not share:
        return None
    settings = {"amount": f"{share * 100:g} %"}
    needs = method.access(method.configure(**settings))
    return None if _lacking(needs, left) or _too_few(needs, left) else (needs, settings)


def _too_few(needs: Needs, left: Left) -> bool:
    """Whether a per cent of the rarest class is not even one image."""
    kinds = [k for k in ("retain", "forget", "train") if str(getattr(needs, k)).endswith("%")]
    if left.task is None:
        return False
    counts = [getattr(left.task, kind).y.bincount() for kind in kinds]
    shares = [float(getattr(needs, kind).split()[0]) / 100 for kind in kinds]
    return any(
        round(share * int(count[count > 0].min())) < 1
        for share, count in zip(shares, counts, strict=True)
    )


def _absent(needs: Needs, task: ForgetTask | None) -> str:
    """What the request lacks beside images; "" where nothing does, or where it is not known."""
    if task is None:
        return ""
    if needs.validation and task.validation is None:
        return "training images that nobody was trained on: make the task with within="
    if needs.counterfactuals and not getattr(task, "can_draw", False):
        return "each image with the other value of the feature, which nothing here can draw"
    return ""
