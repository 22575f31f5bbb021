"""Membership attacks on one model: was this image among those it was trained on?

For unlearning the question is about the forgotten images: a model that never saw them treats them
like test images of the same classes. The good value is always the retrained model's, which may
differ from chance.
"""

import numpy as np
import torch
from torch import Tensor, nn

from kit.datasets.split import same_mix
from kit.metrics.checks import check_numbers
from kit.metrics.membership import scores
from kit.metrics.membership.roc import Attack
from kit.metrics.undefined import Undefined
from kit.runtime.checks import known
from kit.tasks import ForgetTask
from kit.training import predict

# Score -> sign: +1 where members score higher.
SIGNALS = {"confidence": 1, "margin": 1, "loss": -1, "entropy": -1, "modified_entropy": -1}
TOO_FEW = "too few members or non-members: a random half of them is without any"


def signal(name: str, logits: Tensor, labels: Tensor) -> Tensor:
    """The score ``name`` of each image, turned so that a higher value says "member".

    Raises
    ------
    ValueError
        a name that is not in ``SIGNALS``.
    """
    known("score", name, SIGNALS)
    arguments = (logits,) if name == "entropy" else (logits, labels)
    return SIGNALS[name] * getattr(scores, name)(*arguments)


def forget_attack(model: nn.Module, task: ForgetTask, *, score: str = "loss") -> Attack:
    """The forgotten training images as members against test images of the same classes.

    The test images of the forgotten classes; for single samples, test images in the class mix of
    the forgotten ones. Good value: the retrained model's.

    Raises
    ------
    ValueError
        a forgotten class without test images, an unknown score.
    """
    absent = sorted(set(task.forget.y.tolist()) - set(task.test.y.tolist()))
    if absent:
        names = [task.data.classes[c] for c in absent[:5]]
        raise Undefined(f"there is no test image of the forgotten classes {names} to compare with")
    outside = same_mix(task.test, task.forget)
    return Attack(
        signal(score, predict(model, task.forget), task.forget.y),
        signal(score, predict(model, outside), outside.y),
    )


def threshold_attack(
    members: Tensor, nonmembers: Tensor, *, labels: tuple[Tensor, Tensor] | None = None,
    seed: int = 0,
) -> float:  # fmt: skip
    """Balanced accuracy ``(TPR + TNR) / 2`` of a threshold that is chosen on one random half of the
    scores and judged on the other (Song and Mittal 2021). Chance: 0.5.

    Parameters
    ----------
    members, nonmembers
        scores, higher for members: ``[n]`` and ``[m]``.
    labels
        of both, for one threshold per class; classes without scores on both sides use the global
        one.

    Raises
    ------
    ValueError
        scores that are NaN, or so few that a half has none of either kind.
    """
    check_numbers("an attack", members, nonmembers)
    generator = torch.Generator().manual_seed(seed)
    halves = [torch.rand(len(s), generator=generator) < 0.5 for s in (members, nonmembers)]
    (fit_in, fit_out), (test_in, test_out) = (
        (members[halves[0]], nonmembers[halves[1]]),
        (members[~halves[0]], nonmembers[~halves[1]]),
    )
    if not all(map(len, (fit_in, fit_out, test_in, test_out))):
        raise Undefined(TOO_FEW)
    overall = _best_threshold(fit_in, fit_out)
    if labels is None:
        return _balanced(test_in > overall, test_out > overall)
    in_fit, out_fit = labels[0][halves[0]], labels[1][halves[1]]
    thresholds = torch.full((int(max(y.max() for y in labels)) + 1,), overall)
    for c in range(len(thresholds)):
        if (in_fit == c).any() and (out_fit == c).any():
            thresholds[c] = _best_threshold(fit_in[in_fit == c], fit_out[out_fit == c])
    return _balanced(
        test_in > thresholds[labels[0][~halves[0]]], test_out > thresholds[labels[1][~halves[1]]]
    )


def svm_nonmember_rate(
    model: nn.Module, task: ForgetTask, *, limit: int = 1000, seed: int = 0
) -> float:
    """Share of the forgotten images that an SVM calls *non-members*, in [0, 1].

    The "MIA efficacy" of the SalUn line of work: an RBF SVM (C = 3, gamma = "auto") on the
    confidence of the true label, trained on retained images (members) against test images of
    retained classes, at most ``limit`` of each, balanced. Good value: the retrained model's, not 1.
    """
    return 1 - _member_rate("confidence", model, task, limit, seed)


def entropy_member_rate(
    model: nn.Module, task: ForgetTask, *, limit: int = 1000, seed: int = 0
) -> float:
    """Share of the forgotten images that an SVM calls *members*, by the entropy of the prediction.

    The attack of the Mixed-Privacy authors and their followers: label-free, the RBF SVM trained on
    retained against test images. 0 looks good and is not the aim: the aim is the retrained model's.
    """
    return _member_rate("entropy", model, task, limit, seed)


def loss_attack_accuracy(model: nn.Module, task: ForgetTask, *, seed: int = 0) -> float:
    """Mean balanced accuracy of a logistic regression on the loss over ten random halves.

    The attack of the 2023 competition's starting kit, with classes balanced: forgotten training
    images against test images of the same classes. Chance: 0.5.
    """
    from sklearn.linear_model import LogisticRegression  # slow to import

    attack = forget_attack(model, task, score="loss")
    values = torch.cat([attack.members, attack.nonmembers]).clamp(-100, 100).numpy()[:, None]
    is_member = np.arange(len(values)) < len(attack.members)
    rng, results = np.random.default_rng(seed), []
    for _ in range(10):
        fit = rng.random(len(values)) < 0.5
        if any(len(np.unique(is_member[half])) < 2 for half in (fit, ~fit)):
            raise Undefined(TOO_FEW)
        said = LogisticRegression(class_weight="balanced").fit(values[fit], is_member[fit])
        guess = said.predict(values[~fit])
        results.append(_balanced(guess[is_member[~fit]], guess[~is_member[~fit]]))
    return float(np.mean(results))


def _member_rate(score: str, model: nn.Module, task: ForgetTask, limit: int, seed: int) -> float:
    from sklearn.svm import SVC  # slow to import

    count = min(limit, len(task.retain), len(task.test_retain))
    generator = torch.Generator().manual_seed(seed)
    features = []
    for split in (task.retain, task.test_retain):
        chosen = split.take(torch.randperm(len(split), generator=generator)[:count])
        features.append(signal(score, predict(model, chosen), chosen.y))
    x = torch.cat(features).numpy()[:, None]
    classifier = SVC(C=3, gamma="auto").fit(x, np.arange(2 * count) < count)
    asked = signal(score, predict(model, task.forget), task.forget.y).numpy()[:, None]
    return float(classifier.predict(asked).mean())


def _best_threshold(members: Tensor, nonmembers: Tensor) -> float:
    """The threshold of the best balanced accuracy; members lie above it."""
    order = torch.cat([members, nonmembers]).double().unique()
    middles = torch.cat([order[:1] - 1, (order[1:] + order[:-1]) / 2])
    found = torch.searchsorted(members.double().sort().values, middles, right=True)
    alarm = torch.searchsorted(nonmembers.double().sort().values, middles, right=True)
    gain = (1 - found / len(members)) - (1 - alarm / len(nonmembers))
    return float(middles[gain.argmax()])


def _balanced(said_in: np.ndarray, said_out: np.ndarray) -> float:
    """Mean of the shares called members among members, non-members among non-members."""
    said_in, said_out = np.asarray(said_in, dtype=float), np.asarray(said_out, dtype=float)
    return float((said_in.mean() + 1 - said_out.mean()) / 2)
