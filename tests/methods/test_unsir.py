"""UNSIR: the noise and its objective, what each variant does with it."""

import copy

import pytest
import torch

import kit
from kit.methods.unsir import Config, make_noise, noise_objective

UNSIR = {"batch_size": 32, "noise_images": 32, "noise_copies": 2}


def test_noise_objective_by_hand():
    """Two classes, a linear network: -CE and the penalty can be written down."""
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.eye(2))
    noise = torch.tensor([[[[1.0, 0.0]]], [[[0.0, 2.0]]]])  # logits (1, 0) and (0, 2)
    ce = torch.tensor([1 + torch.e ** torch.tensor(-1.0), 1 + torch.e ** torch.tensor(2.0)]).log()
    expected = -ce.mean() + 0.1 * (1 + 4) / 2
    assert noise_objective(model, noise, 0, 0.1).item() == pytest.approx(expected.item(), abs=1e-6)


def test_noise_gradient_by_finite_differences():
    """On a smooth network: the derivative along a direction equals a central difference."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(36, 16), torch.nn.Softplus(), torch.nn.Linear(16, 4)
    )
    noise, direction = torch.randn(2, 3, 1, 6, 6).unbind()
    noise.requires_grad_()
    noise_objective(model, noise, 1, 0.1).backward()
    with torch.no_grad():
        up, down = (noise_objective(model, noise + e * direction, 1, 0.1) for e in (1e-2, -1e-2))
    numeric = (up - down) / 2e-2
    assert (noise.grad * direction).sum().item() == pytest.approx(numeric.item(), rel=1e-3)


def test_noise_is_what_the_network_denies(original):
    noise, trace = make_noise(original, 1, (1, 12, 12), Config(noise_images=16), seed=0)
    assert noise.shape == (16, 1, 12, 12) and len(trace) == 40 and trace[-1] < trace[0]
    with torch.no_grad():
        probability = original(noise).softmax(1)[:, 1]
        drawn = original(torch.randn_like(noise)).softmax(1)[:, 1]
    assert probability.mean() < drawn.mean() and probability.max() < 0.1


def test_noise_leaves_batchnorm_alone_only_in_eval_mode(original):
    for variant, same in (("paper", True), ("code", False)):
        model = copy.deepcopy(original)
        make_noise(model, 1, (1, 12, 12), Config(variant=variant, noise_images=8), seed=0)
        assert torch.equal(model.bn.running_mean, original.bn.running_mean) == same


@pytest.mark.parametrize(
    "variant, synthetic",
    # 40 steps on 32 images; then 2 copies of all, of 3, of none, in the impair epoch.
    [("paper", 40 * 32 + 64), ("code", 40 * 32 + 6), ("no_noise", 0), ("gaussian", 64)],
)
def test_variants_use_the_noise_they_say(original, task, variant, synthetic):
    out = kit.unlearn("unsir", original, task, variant=variant, **UNSIR)
    assert out.passes.get("synthetic_backward", 0) == synthetic
    assert out.passes["retain_backward"] == 2 * len(task.retain)
    assert ("noise_objective_1" in out.history) == (variant != "no_noise")


def test_stops_after_the_impair_step(original, task):
    out = kit.unlearn("unsir", original, task, repair=False, **UNSIR)
    assert out.passes["retain_backward"] == len(task.retain)
    assert "impair_loss" in out.history and "repair_loss" not in out.history


def test_code_variant_labels_all_noise_0(original, data, monkeypatch):
    seen = {}

    def spy(model, splits, *args, **kwargs):
        if not isinstance(splits, kit.datasets.split.Split):
            seen.update({i: s.y.unique().tolist() for i, s in enumerate(splits[1:])})
        return fit(model, splits, *args, **kwargs)

    from kit.methods import unsir

    fit = unsir.fit
    monkeypatch.setattr(unsir, "fit", spy)
    task = kit.tasks.forget_classes(data, [1, 2])
    kit.unlearn("unsir", original, task, variant="code", **UNSIR)
    assert seen == {0: [0], 1: [0]}
    kit.unlearn("unsir", original, task, variant="paper", **UNSIR)
    assert seen == {0: [1], 1: [2]}


def test_paper_preset_and_refusals():
    assert (Config.paper().impair_lr, Config.paper().repair_lr) == (0.02, 0.01)
    assert Config.paper(variant="code").variant == "code"
    with pytest.raises(ValueError, match="variant must be one of paper, code"):
        Config(variant="notebook")
    with pytest.raises(ValueError, match="impair_lr must be positive"):
        Config(impair_lr=0)
