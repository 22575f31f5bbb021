"""What the tests of the report share: a masked network, and audits that cost nothing."""

import copy
import functools

import pytest

import kit
from kit.parts.sham import sham_update
from kit.plots.report import Audit, Measured


def an_audit(name="probe", values=(0.5,), null=None, **options):
    """An audit that gives these shares, one network after the other, and then the first again."""
    given = []

    def measure(net, networks, task, seed):
        value = values[len(given) % len(values)]
        given.append(value)
        if isinstance(value, BaseException):
            raise value
        return value if isinstance(value, Measured) else Measured(value)

    null_said = "nothing there" if null is not None else ""
    texts = (f"What does {name} say?", lambda task: null, null_said, "It is made up.", "It is not.")
    audit = Audit(name, texts[0], measure, *texts[1:], **options)
    return audit, given


@pytest.fixture(scope="session")
def masked(original, task):
    return kit.unlearn("logit_mask", original, task).model


@pytest.fixture(scope="session")
def sham(original, task):
    return sham_update(original, task, steps=2)


@pytest.fixture(scope="session")
def retrained_too(task):
    """A second retrained network, of another width."""
    model = kit.models.build("resnet8", task, width=4, seed=2)
    kit.fit(model, task.retain, kit.Recipe(epochs=4, batch_size=32, lr=0.1, bf16=False), seed=2)
    return model


@pytest.fixture(scope="session")
def full(original, masked, sham, task, retrained, retrained_too):
    """All audits of a mask, beside two retrained networks."""
    return kit.report(
        original, masked, task, sham=sham, retrained=[retrained, copy.deepcopy(retrained_too)]
    )


@pytest.fixture
def quick(original, masked, sham, task):
    """A report on the mask, with these audits and whatever else is given."""
    return functools.partial(kit.report, original, masked, task, sham=sham)
