"""The audits of a report: a list, which the report shows whatever it holds."""

from torch import nn

from kit.metrics.answers import accuracy
from kit.metrics.comes_back import relearn_curve
from kit.metrics.inside import prototype_recall
from kit.metrics.inside.masking import answers_changed as changed_beside
from kit.metrics.membership import forget_attack
from kit.metrics.statistics import wilson
from kit.metrics.undefined import Undefined
from kit.plots.report.finding import Audit, Measured, Networks
from kit.tasks import ForgetTask
from kit.training import predict

SHOTS, RATE = 5, 1e-4  # pictures of each class that are shown again, and Adam's rate
HARM = 0.2  # of accuracy: a test that costs the network before more says nothing


def _share(right: float, count: int) -> Measured:
    low, high = wilson(round(right * count), count)
    return Measured(right, low, high)


def forgotten_accuracy(net: nn.Module, _: Networks, task: ForgetTask, seed: int) -> Measured:
    """Accuracy on test pictures of the forgotten classes, or on the forgotten pictures."""
    split = task.forget if task.test_forget is None else task.test_forget
    return _share(accuracy(predict(net, split), split.y), len(split))


def kept_accuracy(net: nn.Module, _: Networks, task: ForgetTask, seed: int) -> Measured:
    """Accuracy on the test pictures that have nothing to do with the request."""
    split = task.test_retain
    return _share(accuracy(predict(net, split), split.y), len(split))


def answers_changed(net: nn.Module, networks: Networks, task: ForgetTask, seed: int) -> Measured:
    """How far the answers over the remaining classes moved."""
    return Measured(changed_beside(networks.before, net, task))


def membership(net: nn.Module, _: Networks, task: ForgetTask, seed: int) -> Measured:
    """AUC of the loss attack."""
    attack = forget_attack(net, task, score="loss")
    if min(len(attack.members), len(attack.nonmembers)) < 2:
        raise Undefined("an attack needs at least two pictures on each side")
    low, high = attack.interval(seed=seed)
    return Measured(attack.auc, low, high)


def still_apart(net: nn.Module, _: Networks, task: ForgetTask, seed: int) -> Measured:
    """Prototype recall."""
    if not hasattr(net, "features"):
        raise Undefined("the network does not show what enters its last layer")
    return _share(prototype_recall(net, task, seed=seed), len(task.test_forget))


def comes_back(net: nn.Module, networks: Networks, task: ForgetTask, seed: int) -> Measured:
    """Accuracy on the forgotten classes after a short relearning."""
    curve = relearn_curve(net, task, shots=(SHOTS,), lr=RATE, seed=seed)
    if net is networks.before and curve[SHOTS] < curve[0] - HARM:
        raise Undefined(
            f"so few pictures do harm: the network before falls from {curve[0]:.0%} to "
            f"{curve[SHOTS]:.0%}"
        )
    return _share(curve[SHOTS], len(task.test_forget))


def _chance(task: ForgetTask) -> float:
    return 1 / task.num_classes


def _chance_of_classes(task: ForgetTask) -> float | None:
    """Of single pictures: a network that never saw them knows most of them all the same."""
    return 1 / task.num_classes if task.level == "class" else None


def _half(task: ForgetTask) -> float:
    return 0.5


def _unknown(task: ForgetTask) -> None:
    return None


AUDITS = [
    Audit(
        "forgotten_accuracy", "Does it still name what it was to forget?",
        forgotten_accuracy, _chance_of_classes, "guessing among all classes",
        "Share of pictures that get the right label: test pictures of the forgotten class, or the "
        "forgotten pictures themselves.",
        "A network can be made to keep silent without having lost anything.",
    ),
    Audit(
        "kept_accuracy", "Does it still do its work?",
        kept_accuracy, _chance, "guessing among all classes",
        "Share of the other test pictures that get the right label.",
        "This says nothing of the forgotten pictures.",
    ),
    Audit(
        "answers_changed", "Are the other answers still those of before?",
        answers_changed, lambda task: 0.0, "a network whose answers are only hidden",
        "How much probability moved among the remaining classes, picture by picture, against the "
        "network before. A network that was trained anew answers otherwise in many small ways.",
        "A change is no proof of forgetting: every update changes something.",
        ("class",),
    ),
    Audit(
        "membership", "Can one tell that it was trained on the forgotten pictures?",
        membership, _half, "an attacker who tosses a coin",
        "An attacker sees a forgotten training picture and a test picture of the same class, and "
        "calls the one with the smaller error the training picture. Share of pairs that are right.",
        "Stronger attacks exist; that this one fails does not mean that all do.",
    ),
    Audit(
        "still_apart", "Does the forgotten class still stand apart inside?",
        still_apart, _chance, "features that know nothing of the classes",
        "What enters the last layer is compared with the average of each class. Share of forgotten "
        "test pictures that are nearest to their own class. The last layer plays no part.",
        "Classes can stand apart without ever having been trained on: hold it against the "
        "retrained networks, not against guessing.",
        ("class",),
    ),
    Audit(
        "comes_back", "How much comes back when it is shown a few pictures again?",
        comes_back, _unknown, "",
        f"Twenty steps of training on {SHOTS} pictures of each class, then the share of forgotten "
        f"test pictures that get the right label.",
        "A retrained network learns the class, too: hold it against the retrained networks.",
        ("class",),
    ),
]  # fmt: skip
