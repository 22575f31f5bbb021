"""Cutting a network and its data: the upper part on activations is the network on images."""

import copy
import os
import subprocess
import sys
import warnings

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import kit
from kit.models.own import Own
from kit.training.augment import Augment
from tests.conftest import ROOT


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


def test_modes_are_given_back(data, original, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    whole = copy.deepcopy(original).train()
    whole.head.eval()
    before = {name: part.training for name, part in whole.named_modules()}
    kit.activations(whole, data, "head")
    assert {name: part.training for name, part in whole.named_modules()} == before


def test_modes_are_given_back_after_an_error(data, original):
    whole = copy.deepcopy(original).train()
    with pytest.raises(ValueError, match="no layer is called"):
        kit.activations(whole, data, "nose")
    assert all(part.training for part in whole.modules())


def test_the_fingerprint_tells_network_layer_and_images(data, original, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    stage = original.stages[-1]
    made = [(original, data, stage), (original.rebuild(9), data, stage), (original, data, "head"),
            (original, data.thinned(0.5), stage)]  # fmt: skip
    prints = [kit.activations(*one)[1].fingerprint for one in made]
    assert len(set(prints)) == len(prints)
    assert kit.activations(*made[0])[1].fingerprint == prints[0]


def test_the_fingerprint_is_of_what_lies_below_alone(data, original, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    other = copy.deepcopy(original)
    with torch.no_grad():
        other.head.weight.add_(1)
    one, two = (kit.activations(model, data, "head")[1] for model in (original, other))
    assert one.fingerprint == two.fingerprint


FINGERPRINT = """
import kit, torch
from kit.datasets.toy import toy_data
from tests.training.test_below import Dropping
data = toy_data()
torch.manual_seed(0)
model = kit.models.wrap(lambda: Dropping(data.train_x[0].numel()), data)
print(kit.activations(model, data, "net.third")[1].fingerprint)
"""


def test_another_process_has_the_same_fingerprint(tmp_path):
    """Records hold it: no address in memory, no order of a set may go into it."""
    found = set()
    for seed in ("1", "2"):
        env = os.environ | {"KIT_CACHE": str(tmp_path / seed), "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", FINGERPRINT]
        run = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
        found.add(run.stdout.strip())
    assert len(found) == 1 and len(found.pop()) == 16


def test_copies_of_the_upper_part_share_what_lies_below(cut):
    upper, _ = cut
    assert copy.deepcopy(upper).rebuild.model is upper.rebuild.model
    assert kit.unlearn("logit_mask", upper, kit.tasks.forget_classes(cut[1], [0])).model


def test_a_network_from_a_file_has_nothing_to_be_made_anew_from(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    torch.save(torchvision.models.resnet18(num_classes=2).state_dict(), tmp_path / "net")
    x, y = torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 0, 1])
    few = kit.datasets.from_tensors("few", x, y, x, y)
    whole = kit.models.load_pretrained("resnet18", tmp_path / "net", few)
    upper, seen = kit.activations(whole, few, "net.layer4")
    want = kit.predict(whole, kit.tasks.forget_classes(few, [0]).test)
    got = kit.predict(upper, kit.tasks.forget_classes(seen, [0]).test)
    assert torch.allclose(got, want, atol=1e-4) and not hasattr(upper, "rebuild")
    with pytest.raises(ValueError, match="a network like this one with fresh weights is needed"):
        kit.retrained(upper, kit.tasks.forget_classes(seen, [0]))


def test_a_damaged_file_is_computed_again(data, original, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    _, one = kit.activations(original, data, "head")
    for file in tmp_path.glob("*.pt"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.warns(UserWarning, match="is damaged .*; computing again") as told:
        _, again = kit.activations(original, data, "head")
    assert torch.equal(one.train_x, again.train_x)
    assert {warning.filename for warning in told} == {__file__}  # the line that asked


def test_maps_are_not_augmented(cut):
    """Neither by a recipe nor by a method: a mirrored map is not the map of a mirrored image."""
    upper, seen = cut
    above = kit.tasks.forget_classes(seen, [0])
    flipped = kit.Recipe(epochs=1, augment=Augment(flip=True))
    for serve in (
        lambda: kit.trained(upper, above, recipe=flipped),
        lambda: kit.retrained(upper, above, recipe=flipped),
        lambda: kit.unlearn("retrain", upper, above, recipe=flipped),
        lambda: kit.unlearn("class_pruning", upper, above, augment=Augment(flip=True)),
    ):
        with pytest.raises(ValueError, match="is for images, not for the activations of toy"):
            serve()


class Dropping(nn.Module):
    """Dropout and ReLU as functions, above its second layer."""

    def __init__(self, pixels):
        super().__init__()
        self.first, self.second, self.third = (
            nn.Linear(pixels, 8), nn.Sequential(nn.Linear(8, 8), nn.ReLU()), nn.Linear(8, 4)
        )  # fmt: skip

    def forward(self, x):
        x = F.relu(self.second(self.first(x.flatten(1))))
        return self.third(F.dropout(x, 0.5, self.training))


@pytest.fixture
def dropping(data, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    return kit.models.wrap(lambda: Dropping(data.train_x[0].numel()), data)


def test_what_functions_do_in_training_alone_is_told(data, dropping):
    with pytest.warns(UserWarning, match="above net.second, something is done in training alone"):
        kit.activations(dropping, data, "net.second")


@pytest.mark.parametrize("share, told", [(0.5, 1), (0.0, 0)])
def test_dropout_is_left_out_and_told(data, tmp_path, monkeypatch, share, told):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    pixels = data.train_x[0].numel()

    def make():
        return nn.Sequential(
            nn.Flatten(), nn.Linear(pixels, 8), nn.Dropout(share), nn.ReLU(), nn.Linear(8, 4)
        )

    model = kit.models.wrap(make, data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        upper, seen = kit.activations(model, data, "net.1")
    assert ["something is done in training alone" in str(w.message) for w in caught] == [
        True
    ] * told
    few = seen.train_x[:5]
    assert torch.equal(upper.train()(few), upper.eval()(few))


@pytest.mark.filterwarnings("ignore:above net.second, something is done")
def test_relu_as_a_function_is_not_replaced(data, dropping):
    with pytest.raises(ValueError, match="above net.second, relu is called as a function"):
        kit.activations(dropping, data, "net.second", activation="leaky_relu")


def test_misuse(data, task, original, cut):
    for model, images, sentence in (
        ("resnet8", data, "activations need a network, got 'resnet8'"),
        (original, task, "made of a data set of images, got ForgetTask"),
        (original, cut[1], "made of a data set of images, got Activations"),
        (original, kit.datasets.load("caltech-mini"), "the model cannot take images of shape"),
    ):
        with pytest.raises(ValueError, match=sentence):
            kit.activations(model, images, "head")
