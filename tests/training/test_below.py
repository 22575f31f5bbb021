"""Cutting a network and its data: the upper part on activations is the network on images."""

import pytest
import torch

import kit
from kit.models.own import Own


@pytest.fixture
def cut(data, original, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    return kit.activations(original, data, original.stages[-1])


def test_answers_are_those_of_the_whole_network(task, original, cut):
    upper, seen = cut
    above = kit.tasks.forget_classes(seen, task.forget_classes)
    for part in ("train", "retain", "forget", "test"):
        want = kit.predict(original, getattr(task, part))
        assert torch.allclose(kit.predict(upper, getattr(above, part)), want, atol=1e-4)


def test_training_the_upper_part_is_training_above_what_is_frozen(data, task, original, cut):
    """Step for step the same as the whole network with its lower part frozen, in eval mode."""
    import copy

    whole, stage = copy.deepcopy(original), original.stages[-1]
    frozen = [p for n, p in whole.named_parameters() if not n.startswith((stage, "head"))]
    for parameter in frozen:
        parameter.requires_grad_(False)
    upper, seen = cut
    recipe = kit.Recipe(epochs=1, batch_size=32, lr=0.01, bf16=False)
    kit.fit(whole, task.train, recipe, seed=3, eval_mode=True)
    kit.fit(upper, kit.tasks.forget_classes(seen, [0]).train, recipe, seed=3, eval_mode=True)
    for split, other in ((task.test, kit.tasks.forget_classes(seen, [0]).test),):
        want = kit.predict(whole, split)
        assert torch.allclose(kit.predict(upper, other), want, atol=1e-3)


def test_methods_and_audits_run_on_it(task, cut):
    upper, seen = cut
    above = kit.tasks.forget_classes(seen, task.forget_classes)
    before = {name: t.clone() for name, t in upper.state_dict().items()}
    out = kit.unlearn("finetune", upper, above, seed=0)
    reference = kit.unlearn("retrain", upper, above, seed=1)
    row = kit.evaluate(out.model, above, reference=reference.model)
    assert 0 <= row["forget_accuracy"] <= 1
    assert all(torch.equal(t, before[name]) for name, t in upper.state_dict().items())


def test_the_network_that_was_cut_stays_as_it_is(original, cut):
    upper, _ = cut
    ours = {p.data_ptr() for p in upper.parameters()}
    assert not ours & {p.data_ptr() for p in original.parameters()}


def test_a_fresh_upper_part(data, original, cut):
    upper, _ = cut
    new = upper.rebuild(4)
    assert isinstance(new, Own)
    assert not torch.equal(new.head.weight, upper.head.weight)
    again = upper.rebuild(4)
    assert torch.equal(again.head.weight, new.head.weight)


def test_kept_on_disk_and_not_mixed_up(data, original, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    _, one = kit.activations(original, data, "head")
    files = set(tmp_path.glob("*.pt"))
    assert len(files) == 2  # training and test images
    _, again = kit.activations(original, data, "head")
    assert set(tmp_path.glob("*.pt")) == files and torch.equal(one.train_x, again.train_x)
    other = original.rebuild(9)
    _, differs = kit.activations(other, data, "head")
    assert not torch.allclose(differs.train_x, one.train_x, rtol=0.1)


def test_vectors_become_maps(data, original, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    upper, seen = kit.activations(original, data, "head")
    assert seen.train_x.shape[2:] == (1, 1)
    assert seen.train_x.shape[1] == upper.head.in_features


def test_leaky_above_and_untouched_below(data, original, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    stage = original.stages[-1]
    _, plain = kit.activations(original, data, stage)
    upper, leaky = kit.activations(original, data, stage, activation="leaky_relu")
    assert torch.equal(plain.train_x, leaky.train_x)
    kinds = [type(m).__name__ for m in upper.modules()]
    assert "LeakyReLU" in kinds and "ReLU" not in kinds
    assert "LeakyReLU" in [type(m).__name__ for m in upper.rebuild(1).modules()]


def test_errors(data, original):
    with pytest.raises(ValueError, match="no layer is called 'nose'; the last ones: .*head"):
        kit.activations(original, data, "nose")
    with pytest.raises(ValueError, match="below stage3.0.conv2: 2 tensors cross there"):
        kit.activations(original, data, "stage3.0.conv2")
