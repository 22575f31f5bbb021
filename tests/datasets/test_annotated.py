"""Photographs with annotations."""

import pytest
import torch

import kit
from kit.datasets import AnnotatedData
from kit.datasets.toy import toy_data


def annotated(values=None, test_values=None):
    data = toy_data()
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randint(0, 2, (len(y), 2), generator=generator)
             for y in (data.train_y, data.test_y)]  # fmt: skip
    values = drawn[0] if values is None else values
    test_values = drawn[1] if test_values is None else test_values
    return AnnotatedData(**vars_of(data), attributes=("smile", "hat"), train_a=values,
                         test_a=test_values)  # fmt: skip


def vars_of(data):
    names = ("name", "train_x", "train_y", "test_x", "test_y", "classes")
    return {name: getattr(data, name) for name in names}


def test_photographs_are_balanced_by_choosing():
    data = annotated()
    task = kit.tasks.forget_feature(data, "hat")
    for c in range(data.num_classes):
        share = task.retain_values[task.retain.y == c, 0].double().mean()
        assert share == 0.5
    assert not task.can_draw
    with pytest.raises(ValueError, match="neither a counterfactual nor a clean"):
        _ = task.counterfactuals
    model = kit.models.build("cnn", task, width=4)
    row = kit.evaluate(model, task, audits="features")
    assert "probe_logits" in row and "flip_rate" not in row


def test_refuses_bad_annotations():
    data = annotated()
    with pytest.raises(ValueError, match="no attribute 'hut'; choose of smile, hat"):
        kit.tasks.forget_feature(data, "hut")
    with pytest.raises(ValueError, match=r"shape \(240, 2\)"):
        annotated(values=data.train_a[:-1])
    with pytest.raises(ValueError, match="0 and 1, found"):
        annotated(values=data.train_a + 1)
    with pytest.raises(ValueError, match="same value in all training images"):
        kit.tasks.forget_feature(annotated(values=torch.zeros_like(data.train_a)), "hat")
    with pytest.raises(ValueError, match="no attribute 'bald'"):
        data.with_target("bald")
