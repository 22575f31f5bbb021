"""Updates that forget nothing."""

import copy

import pytest
import torch

from kit.parts.sham import sham_update
from tests.conftest import same


def steps_of(model):
    """Batches seen in training, as the first batch norm counts them."""
    return next(int(t) for n, t in model.state_dict().items() if n.endswith("batches_tracked"))


@pytest.mark.parametrize("steps", [1, 3, 9])
def test_it_takes_the_given_number_of_steps(steps, original, task):
    before = copy.deepcopy(original)
    sham = sham_update(original, task, steps=steps)  # an epoch has 4
    assert steps_of(sham) - steps_of(original) == steps
    assert same(original, before) and not same(sham, original)


def test_it_is_the_same_each_time_and_another_for_another_seed(original, task):
    one, again, other = (sham_update(original, task, steps=2, seed=s) for s in (0, 0, 1))
    assert same(one, again) and not same(one, other)


def test_it_sees_every_training_image_those_to_forget_too(original, task):
    seen = []
    model = copy.deepcopy(original)
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    steps = -(-len(task.train) // 64)
    sham_update(model, task, steps=steps)
    rows = {tuple(x.flatten()[:20].tolist()) for batch in seen[-steps:] for x in batch}
    wanted = {tuple(x.flatten()[:20].tolist()) for x in task.forget.inputs()}
    assert wanted <= rows and len(rows) == len(task.train)


def test_it_keeps_what_it_is_not_to_forget(original, task):
    sham = sham_update(original, task, steps=4)
    right = torch.as_tensor(sham.eval()(task.test_forget.inputs()).argmax(1) == task.test_forget.y)
    assert right.float().mean() > 0.9


def test_no_step_is_refused(original, task):
    with pytest.raises(ValueError, match="steps"):
        sham_update(original, task, steps=0)
