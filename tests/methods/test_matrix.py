"""Every method on the networks and requests that people bring: it runs and keeps its contracts, or
one sentence says why not."""

import copy
import re

import pytest
import torch
from torch import nn

import kit

QUICK = kit.Recipe(epochs=2, batch_size=20, lr=0.05)
SETTINGS = {
    "bad_teacher": {"amount": "50 %"},
    "boundary_shrink": {"epsilon": 0.5},
    "erwp": {"amount": "50 %", "epochs": 1},
    "retrain": {"recipe": QUICK},
    "unsir": {"noise_images": 8, "noise_steps": 2},
}
# Why a method may refuse a network or a request, in the words of its sentence.
CAUSES = {
    "no bias": "the last layer has no bias",
    "no convolution": "this network has none",
    "few images": "is not even one: ask for",
}


def small(norm=nn.BatchNorm2d, last=None):
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), norm(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        last or nn.Linear(8, 3),
    )  # fmt: skip


def convolutional():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def frozen():
    net = small()
    net[0].requires_grad_(False)
    return net


def torchvision_transformer():
    from torchvision.models import VisionTransformer  # slow to import

    return VisionTransformer(32, 8, 1, 2, 16, 32, num_classes=3)


def timm_network():
    import timm  # slow to import

    return timm.create_model("test_resnet", num_classes=3)


def hugging_face_transformer():
    import transformers  # slow to import

    return transformers.ViTForImageClassification(
        transformers.ViTConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
            image_size=32, patch_size=8, num_labels=3,
        )
    )  # fmt: skip


NETWORKS = {
    "BatchNorm": small,
    "GroupNorm": lambda: small(lambda width: nn.GroupNorm(2, width)),
    "no norm": lambda: small(nn.Identity),
    "torchvision ViT": torchvision_transformer,
    "timm": timm_network,
    "Hugging Face ViT": hugging_face_transformer,
    "convolutional head": convolutional,
    "frozen backbone": frozen,
    "head without bias": lambda: small(last=nn.Linear(8, 3, bias=False)),
    "torch.compile": lambda: torch.compile(small(), backend="eager"),
}
REQUESTS = ("a class", "one image", "more than is kept", "a class of one image")
METHODS = [
    name
    for name in kit.methods.names()
    if kit.methods.get(name).takes is nn.Module and kit.methods.get(name).level != ("feature",)
]


def images(of_first=20):
    """Three classes, told apart by colour."""
    generator = torch.Generator().manual_seed(0)
    y = torch.cat([torch.zeros(of_first), torch.ones(20), torch.full((20,), 2)]).long()
    x = torch.randint(0, 120, (len(y), 3, 32, 32), generator=generator, dtype=torch.uint8)
    x[torch.arange(len(y)), y] += 60
    return kit.datasets.from_tensors("colours", x, y, x.flip(0), y.flip(0))


def request(kind):
    if kind == "one image":
        return kit.tasks.forget_samples(images(), [0])
    if kind == "more than is kept":
        return kit.tasks.forget_classes(images(), [0, 1])
    return kit.tasks.forget_classes(images(1 if "one" in kind else 20), [0])


def outcome(method, network, kind):
    """ "runs", or the kind of cause for which it was refused; what is neither fails."""
    task = request(kind)
    if task.level not in kit.methods.get(method).level:
        return "other level"
    model = kit.models.wrap(NETWORKS[network], task)
    kit.fit(model, task.train, QUICK)
    state, frozen = copy.deepcopy(model.state_dict()), [p.requires_grad for p in model.parameters()]
    try:
        out = kit.unlearn(method, model, task, **SETTINGS.get(method, {})).model
    except ValueError as error:
        causes = [name for name, words in CAUSES.items() if re.search(words, str(error))]
        assert causes, f"the refusal does not say why: {error}"
        out = None
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert [p.requires_grad for p in model.parameters()] == frozen
    if out is None:
        return causes[0]
    assert [p.requires_grad for p in out.parameters()] == frozen
    assert not any(part.training for part in out.modules())
    assert all(torch.isfinite(v).all() for v in out.state_dict().values())
    for old, new in zip(model.parameters(), out.parameters(), strict=True):
        assert old.requires_grad or torch.equal(old, new)
    assert kit.metrics.evaluate(out, task)["retain_accuracy"] >= 0
    return "runs"


@pytest.mark.filterwarnings("ignore:a step of 0.5 took only")
@pytest.mark.parametrize("number, method", list(enumerate(METHODS)))
def test_each_method_and_each_network_once(number, method):
    network = list(NETWORKS)[number % len(NETWORKS)]
    kind = REQUESTS[number % len(REQUESTS)]
    kind = kind if "class" in kit.methods.get(method).level else "one image"
    assert outcome(method, network, kind)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore:a step of 0.5 took only")
@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", METHODS)
def test_all_of_them(method, network, kind):
    assert outcome(method, network, kind)
