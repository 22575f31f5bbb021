"""The slower audits that ``evaluate`` chooses from, by the name of each set.

``ALONE``: what is measured of one model, and of the retrained model beside it. The two functions
``inside_...`` look into the network.
"""

from torch import nn

from kit.metrics.answers import accuracy, zrf
from kit.metrics.comes_back.relearn import (
    SHARE,
    asked,
    relearn_curve,
    relearn_epochs,
    relearn_steps,
)
from kit.metrics.inside import (
    features,
    information_difference_index,
    linear_cka,
    probes,
    stage_information,
)
from kit.metrics.membership import entropy_member_rate, svm_nonmember_rate
from kit.metrics.undefined import number
from kit.tasks import ForgetTask
from kit.training import predict

RELEARN_EPOCHS = 3  # where "comparison" and "full" stop: retrained models of "quick" need fewer


def gap(model: nn.Module, task: ForgetTask, original: nn.Module, seed: int) -> dict[str, float]:
    """What the average gap is made of."""
    return {
        "train_retain_accuracy": accuracy(predict(model, task.retain), task.retain.y),
        "train_forget_accuracy": accuracy(predict(model, task.forget), task.forget.y),
        "svm_nonmember_rate": svm_nonmember_rate(model, task, seed=seed),
    }


def comparison(
    model: nn.Module, task: ForgetTask, original: nn.Module, seed: int
) -> dict[str, float]:
    """One audit of each kind: answers, membership, relearning, features."""
    row = gap(model, task, original, seed)
    if task.test_forget is not None:
        goal = _goal(original, task)
        row["relearn_steps"] = relearn_steps(
            model, task, goal, max_epochs=RELEARN_EPOCHS, seed=seed
        )
        probe = probes.linear_probe(model, task, seed=seed)
        row |= {"probe_forget": probe["forget"], "probe_retain": probe["retain"]}
    return row


def full(model: nn.Module, task: ForgetTask, original: nn.Module, seed: int) -> dict[str, float]:
    """The slower audits of the model alone; the reference's values are needed beside them."""
    rate = entropy_member_rate(model, task, seed=seed)
    return comparison(model, task, original, seed) | {"entropy_member_rate": rate}


def relearning(
    model: nn.Module, task: ForgetTask, original: nn.Module, seed: int
) -> dict[str, float]:
    """Relearn times by both protocols, up to the papers' limits."""
    goal = _goal(original, task)
    return {
        protocol.__name__: protocol(model, task, goal, seed=seed)
        for protocol in (relearn_steps, relearn_epochs)
    }


def _goal(original: nn.Module, task: ForgetTask) -> float:
    test = asked(task)
    return SHARE * accuracy(predict(original, test), test.y)


def inside_alone(model: nn.Module, task: ForgetTask, seed: int) -> dict[str, float]:
    """Prototypes of all training images, and a linear probe."""
    probe = probes.linear_probe(model, task, seed=seed)
    known, unknown = features(model, task.train), features(model, task.test_forget)

    def prototype_accuracy(cosine: bool) -> float:
        nearest = probes.nearest_class(unknown, known, task.train.y, cosine)
        return (nearest == task.test_forget.y).double().mean().item()

    return {
        "forgetting_prototype_accuracy": prototype_accuracy(cosine=False),
        "forgetting_prototype_accuracy_cosine": prototype_accuracy(cosine=True),
        "probe_forget": probe["forget"],
        "probe_retain": probe["retain"],
    }


def inside_beside(
    model: nn.Module, reference: nn.Module, original: nn.Module, task: ForgetTask, seed: int
) -> dict[str, float]:
    """What the network still knows about the forgotten classes, whatever it answers; NaN where it
    cannot be said, of few images or of networks that differ in kind."""
    head = probes.head_recovery(model, task, seed=seed)
    shots = relearn_curve(model, task, seed=seed)
    ours = features(model, task.forget)
    known = [stage_information(m, task, seed=seed) for m in (model, reference, original)]

    def cka(other: nn.Module) -> float:
        return linear_cka(ours, features(other, task.forget))

    return {
        **number("zrf", lambda: zrf(model, task.test_forget)),
        "few_shot_recall": probes.prototype_recall(model, task, per_class=5, draws=20, seed=seed),
        "head_forget": head["forget"],
        "head_retain": head["retain"],
        **number("cka_reference", lambda: cka(reference)),
        **number("cka_original", lambda: cka(original)),
        **number(
            "idi", lambda: information_difference_index(*known),
            if_nan="the original's stages know no more than the retrained network's",
        ),
        **{f"relearn_shot_{k}": value for k, value in shots.items() if k},
    }  # fmt: skip


ALONE = {"gap": gap, "relearn": relearning, "comparison": comparison, "full": full}
