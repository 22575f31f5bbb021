"""SalUn: its mask by hand; what the mask frees moves."""

import copy

import pytest
import torch

import kit
from kit.datasets.split import synthetic
from kit.methods import access, salun
from tests.conftest import same

SMALL = {"epochs": 2, "batch_size": 32}


def test_the_mask_frees_the_largest_gradients(task):
    """White images of class 1, weights of 0: the gradients are -3/4 each in row 1, 1/4 in the
    others."""
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 4))
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    white = synthetic(task.forget, torch.ones(3, 1, 12, 12), torch.ones(3))
    mask = salun.saliency_mask(model, white, share=0.25)
    for of_parameter in mask.values():
        assert of_parameter[1].all() and not of_parameter[[0, 2, 3]].any()


def test_salun_with_all_weights_is_random_labels(original, task):
    for redraw in (False, True):
        options = SMALL | {"redraw": redraw, "lr": 1e-3}
        expected = kit.unlearn("random_labels", original, task, **options).model
        assert same(expected, kit.unlearn("salun", original, task, share=1.0, **options).model)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_salun_freezes_exactly_or_as_published(original, task, optimizer):
    """Weight decay and momentum move what only the gradient's mask protects."""
    view = access.TaskView(task, access.Needs(forget="all"), 0)
    mask = salun.saliency_mask(copy.deepcopy(original), view.forget, 0.5)
    assert sum(int(m.sum()) for m in mask.values()) == round(
        0.5 * sum(p.numel() for p in original.parameters())
    )
    kept = {}
    for freeze in ("exact", "gradient"):
        out = kit.unlearn(
            "salun", original, task, freeze=freeze, optimizer=optimizer, **SMALL
        ).model
        after = dict(out.named_parameters())
        kept[freeze] = all(
            torch.equal(p[~mask[n]], after[n][~mask[n]]) for n, p in original.named_parameters()
        )
        assert any(not torch.equal(p, after[n]) for n, p in original.named_parameters())
    assert kept["exact"]
    assert kept["gradient"] == (optimizer == "adam")  # without weight decay Adam stays, too
