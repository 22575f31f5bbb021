"""How far answers rely on a feature, by hand."""

from dataclasses import replace

import pytest
import torch
from sklearn.metrics import accuracy_score
from torch import nn

import kit
from kit.datasets import AnnotatedData
from kit.datasets.toy import toy_data
from kit.metrics.feature import reliance


class Reader(nn.Module):
    """Says class 1 where the left upper pixel of the first channel is bright."""

    def forward(self, x):
        bright = x[:, 0, 0, 0]
        return torch.stack([-bright, bright, bright * 0 - 9, bright * 0 - 9], 1)


def test_reliance_gap_is_between_the_feature_as_in_training_and_reversed(
    feature_original, feature_task
):
    row = reliance.reliance_gap(feature_original, feature_task)
    views = {"aligned": feature_task.aligned, "balanced": feature_task.test,
             "reversed": feature_task.reversed}  # fmt: skip
    right = {k: accuracy_score(v.y, kit.predict(feature_original, v).argmax(1))
             for k, v in views.items()}  # fmt: skip
    assert right["aligned"] > right["balanced"] > right["reversed"]
    assert row == pytest.approx(
        {f"{name}_accuracy": share for name, share in right.items()}
        | {"reliance_gap": right["aligned"] - right["reversed"]}
    )


def test_flip_rate_by_hand():
    task = kit.tasks.forget_feature(toy_data(size=20), "mark")
    dark, light = (replace(task.test, pixels=torch.full_like(task.test.pixels, v))
                   for v in (0, 255))  # fmt: skip
    light.pixels[: len(light) // 4] = 0  # a quarter of the pairs does not differ
    found = reliance.counterfactual(Reader(), (dark, light))
    assert found["flip_rate"] == 0.75
    assert reliance.counterfactual(Reader(), (dark, dark)) == {
        "flip_rate": 0.0, "flip_js": 0.0, "sensitivity": 0.0}  # fmt: skip


def test_photographs_count_all_combinations_alike():
    """Three not bald with the mouth shut, one with it open, one bald: as they are, and by group."""
    classes, values = torch.tensor([0, 0, 0, 0, 1]), torch.tensor([[0], [0], [0], [1], [1]])
    said = torch.tensor([[2.0, 1.0]] * 5)
    said[0] = torch.tensor([1.0, 2.0])  # one of three is taken for bald
    assert reliance._over_groups(said, classes, values) == pytest.approx((2 / 3 + 1 + 0) / 3)
    constant = torch.tensor([[1.0, 0.0]]).expand(6, 2)
    classes, values = torch.tensor([0, 0, 0, 0, 1, 1]), torch.tensor([[0, 0, 0, 1, 0, 1]]).T
    assert reliance._over_groups(constant, classes, values) == 0.5


class Bright(nn.Module):
    """Says class 1 of two where the left upper pixel is bright."""

    def forward(self, x):
        return torch.stack([-x[:, 0, 0, 0], x[:, 0, 0, 0]], 1)


@pytest.mark.parametrize(
    "bright, right, balanced",
    [([0, 0, 0, 1, 1, 1], 5 / 6, 3 / 4),  # the one face of class 0 with a hat is taken for class 1
     ([0] * 6, 4 / 6, 1 / 2)],  # class 0 whatever it sees
)  # fmt: skip
def test_accuracies_on_photographs_by_hand(bright, right, balanced):
    train, test = (
        255 * torch.tensor(pixels, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)
        for pixels in ([0, 0, 1, 1], bright)
    )
    faces = AnnotatedData(
        "faces", train, torch.tensor([0, 0, 1, 1]), test, torch.tensor([0, 0, 0, 0, 1, 1]),
        ["no", "yes"], attributes=("hat",), train_a=torch.tensor([[0], [1], [0], [1]]),
        test_a=torch.tensor([[0], [0], [0], [1], [0], [1]]),
    )  # fmt: skip
    row = reliance.reliance_gap(Bright(), kit.tasks.forget_feature(faces, "hat"))
    assert row == pytest.approx({"test_accuracy": right, "balanced_accuracy": balanced})


def test_photographs_have_no_reliance_gap():
    data = toy_data(size=40)
    values = [torch.arange(len(y))[:, None] % 2 for y in (data.train_y, data.test_y)]
    faces = AnnotatedData(
        "faces", data.train_x, data.train_y, data.test_x, data.test_y, data.classes,
        attributes=("hat",), train_a=values[0], test_a=values[1],
    )  # fmt: skip
    task = kit.tasks.forget_feature(faces, "hat")
    model = kit.models.build("cnn", task, seed=0)
    row = reliance.reliance_gap(model, task)
    assert set(row) == {"test_accuracy", "balanced_accuracy"}
    assert row["test_accuracy"] == accuracy_score(
        task.test.y, kit.predict(model, task.test).argmax(1)
    )
