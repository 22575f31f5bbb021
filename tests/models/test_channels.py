"""Silent channels are taken out and nothing else changes."""

import pytest
import torch

import kit
from kit.methods import class_pruning as cp
from kit.models.channels import multiply_adds, remove_silent


@pytest.mark.parametrize(
    ("name", "options"),
    [("resnet8", {}), ("vgg11", {"width": 8}), ("lenet", {}), ("mobilenet_v2", {})],
)
def test_removal_gives_the_masked_network_s_logits(name, options):
    data = kit.datasets.load("fashion-mnist-mini")
    task = kit.tasks.forget_classes(data, [9])
    model = kit.models.build(name, task, **options)
    x = task.test.take(torch.arange(0, 2000, 100)).inputs()
    model.train()(x)  # BatchNorm's statistics are no longer 0 and 1
    few = task.train.per_class(3, seed=0)
    chosen = cp.choose(cp.class_means(model.eval(), few), 9, cp.Config(share=0.2), 0)
    cp.silence(model, chosen)
    small = remove_silent(model, x)
    with torch.no_grad():
        assert torch.allclose(small(x), model.cpu()(x), atol=1e-5)
    count = [sum(p.numel() for p in m.parameters()) for m in (model, small)]
    assert count[1] < 0.95 * count[0]
    assert multiply_adds(small, x) < 0.97 * multiply_adds(model, x)


def test_multiply_adds_by_hand():
    model = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3, bias=False), torch.nn.Flatten(), torch.nn.Linear(3 * 4, 5)
    )
    assert multiply_adds(model, torch.zeros(7, 2, 4, 4)) == 3 * 4 * (2 * 9) + 5 * 12
