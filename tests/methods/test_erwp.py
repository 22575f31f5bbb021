"""ERwP: the mask holds to the last bit, means something, and the losses are what they should be."""

import copy

import pytest
import torch
import torch.nn.functional as F

import kit
from kit.datasets.toy import toy_data
from kit.methods import erwp
from kit.methods.access import Needs, TaskView
from kit.parts.distillation import distillation
from kit.training import batches

SETTINGS = {"amount": "50 %", "epochs": 8, "batch_size": 32, "lr": 0.003}


@pytest.fixture(scope="module")
def view(task):
    return TaskView(task, Needs(retain="50 %", forget="50 %"), seed=0)


def unlearn(model, task, **options):
    return kit.unlearn("erwp", model, task, **{**SETTINGS, **options})


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("tensors", ["weights", "all"])
def test_outside_the_mask_nothing_moves(original, task, view, tensors, optimizer):
    config = erwp.Config(**SETTINGS, tensors=tensors, optimizer=optimizer)
    mask = erwp.choose_mask(copy.deepcopy(original), view, config, 0)
    after = kit.unlearn("erwp", original, task, config=config).model.state_dict()
    moved = 0
    for name, before in original.state_dict().items():
        held = ~mask[name] if name in mask else torch.ones_like(before, dtype=torch.bool)
        assert torch.equal(before[held], after[name][held]), name
        moved += int((before[~held] != after[name][~held]).sum())
    assert moved > 0.5 * sum(int(m.sum()) for m in mask.values())


def test_statistics_are_updated_only_if_asked(original, task):
    kept = unlearn(original, task).model
    moving = unlearn(original, task, batchnorm="updated").model
    before = dict(original.named_buffers())
    assert all(torch.equal(b, before[name]) for name, b in kept.named_buffers())
    assert not torch.equal(moving.bn.running_mean, original.bn.running_mean)


def test_without_a_mask_everything_moves(original, task):
    after = dict(unlearn(original, task, mask="all").model.named_parameters())
    assert all(not torch.equal(p, after[name]) for name, p in original.named_parameters())


def test_the_mask_hurts_its_class_more_than_chance(original, task, view):
    mask = erwp.choose_mask(copy.deepcopy(original), view, erwp.Config(), 0)
    assert erwp.share_of(original, mask) <= 0.2
    restricted = view.forget

    def left(m):
        model = copy.deepcopy(original)
        erwp.zero(model, m)
        return kit.metrics.accuracy(kit.predict(model, restricted), restricted.y)

    before = kit.metrics.accuracy(kit.predict(original, restricted), restricted.y)
    by_chance = [left(erwp.shuffled(mask, seed)) for seed in range(5)]
    assert left(mask) <= before - 0.3
    assert left(mask) < sum(by_chance) / 5


def test_random_masks_are_as_large(original, view):
    mask = erwp.choose_mask(copy.deepcopy(original), view, erwp.Config(), 0)
    other = erwp.choose_mask(copy.deepcopy(original), view, erwp.Config(mask="random"), 0)
    assert {n: int(m.sum()) for n, m in mask.items()} == {n: int(m.sum()) for n, m in other.items()}
    assert any(not torch.equal(m, other[n]) for n, m in mask.items())


def test_relevance_is_the_gradient_of_the_averaged_prediction(original, view):
    x, model = view.forget.inputs(), copy.deepcopy(original)
    for average, loss in {
        "softmax": -model(x).softmax(1).mean(0)[1].log(),
        "logits": F.cross_entropy(model(x).mean(0), torch.tensor(1)),
    }.items():
        expected = torch.autograd.grad(loss, list(model.parameters()))
        found = erwp.relevance(model, view.forget, 1, average)
        for gradient, (name, score) in zip(expected, found.items(), strict=True):
            assert torch.allclose(gradient.abs(), score, rtol=1e-3, atol=1e-7), name


def test_relevance_does_not_depend_on_batches(original, view, monkeypatch):
    whole = erwp.relevance(copy.deepcopy(original), view.forget, 1)
    monkeypatch.setattr(erwp, "batches", lambda images: batches(images, 7))
    parts = erwp.relevance(copy.deepcopy(original), view.forget, 1)
    assert all(torch.allclose(whole[n], parts[n], rtol=1e-3, atol=1e-8) for n in whole)


def test_top_and_smallest_share():
    chosen = erwp.top(torch.tensor([[0.1, 3.0], [2.0, 0.5]]), 0.5)
    assert chosen.tolist() == [[False, True], [True, False]]
    assert erwp.top(torch.arange(10.0), 0.001).sum() == 1
    falls = [0.9, 0.8, 0.42, 0.405, 0.4, 0.4, 0.6]
    assert erwp.smallest_share(0.95, falls) == 0.01  # the first within 2 points of 0.4
    assert erwp.smallest_share(0.95, [0.94, 0.95, 0.93, 0.92, 0.91, 0.95, 0.95]) == 0.0025


def test_the_search_leaves_the_network_as_it_was(original, view):
    model = copy.deepcopy(original)
    erwp.choose_mask(model, view, erwp.Config(), 0)
    for name, value in original.state_dict().items():
        assert torch.equal(value, model.state_dict()[name])


@pytest.mark.parametrize("head, names", [("only", {"head.weight"}), ("out", None)])
def test_the_last_layer_can_be_chosen(original, view, head, names):
    mask = erwp.choose_mask(copy.deepcopy(original), view, erwp.Config(head=head), 0)
    assert set(mask) == names if names else "head.weight" not in mask and len(mask) > 3


def test_unseen_images():
    colour = kit.tasks.forget_classes(
        kit.datasets.from_tensors(
            "colour", torch.rand(8, 3, 6, 6), torch.arange(8) % 2, torch.rand(4, 3, 6, 6),
            torch.arange(4) % 2,
        ),
        [0],
    ).forget  # fmt: skip
    grey = erwp.unseen(colour).x
    assert torch.equal(grey[:, 0], grey[:, 1]) and not torch.equal(grey, colour.x)
    assert torch.equal(erwp.unseen(colour, "invert").x, 255 - colour.x)
    assert torch.equal(erwp.unseen(colour, "none").x, colour.x)
    assert erwp.unseen(colour, "turn").x.shape == colour.x.shape


def test_distillation_does_not_keep_the_restricted_rows_alive(original, task, view):
    """Zero at the start; and its gradient on the restricted rows is exactly 0, always."""
    student = copy.deepcopy(original)
    x, y = (
        torch.cat([view.forget.inputs(), view.retain.inputs()]),
        torch.cat([view.forget.y, view.retain.y]),
    )
    only = {"amount": "50 %", "ascent": False}
    with_kd = erwp.objective(original, view, erwp.Config(**only, distillation=1.0))
    without = erwp.objective(original, view, erwp.Config(**only, distillation=0.0))
    with torch.no_grad():
        assert abs(float(with_kd(student, x, y) - without(student, x, y))) <= 1e-6
    with torch.no_grad():
        for p in student.parameters():
            p.add_(0.05 * torch.randn_like(p))
    kd = distillation(student(x)[:, view.retain_classes], original(x)[:, view.retain_classes])
    kd.mean().backward()
    assert kd.mean() > 1e-4
    assert torch.count_nonzero(student.head.weight.grad[task.forget_classes]) == 0
    assert torch.count_nonzero(student.head.bias.grad[task.forget_classes]) == 0
    assert torch.count_nonzero(student.head.weight.grad[view.retain_classes]) > 0


def test_restricted_images_are_imitated_only_if_asked(original, task, view):
    """Without ascent, distillation is all that the loss asks of them."""
    x, y = view.forget.inputs(), view.forget.y
    loss = {}
    for images in ("all", "remaining"):
        student = copy.deepcopy(original)
        with torch.no_grad():
            student.head.weight.mul_(0.5)
        config = erwp.Config(amount="50 %", ascent=False, distillation=1.0, kd_images=images)
        loss[images] = erwp.objective(original, view, config)(student, x, y)
        loss[images].backward()
        assert torch.count_nonzero(student.head.weight.grad[task.forget_classes]) == 0
    assert loss["all"] > 1e-3 and loss["remaining"] == 0


def test_the_mask_of_several_classes_is_the_union_of_theirs(original, data):
    def mask(*classes):
        view = TaskView(kit.tasks.forget_classes(data, classes), Needs(forget="all"), 0)
        return erwp.choose_mask(copy.deepcopy(original), view, erwp.Config(count="fixed"), 0)

    one, other, both = mask(1), mask(2), mask(1, 2)
    for name, m in both.items():
        assert torch.equal(m, one[name] | other[name]), name
    assert erwp.share_of(original, both) > erwp.share_of(original, one)


def test_classification_by_hand():
    logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 9.0, 0.0], [0.0, 1.0, 5.0]])
    y = torch.tensor([0, 0, 2])
    restricted = torch.tensor([False, True, False])
    ce = F.cross_entropy(logits, y, reduction="none")

    def value(**settings):
        return erwp.classification(logits, y, restricted, [1, 2], erwp.Config(**settings))

    assert torch.allclose(value(bound="none"), (ce[0] + ce[2] - ce[1]) / 3)
    limit = 2 * torch.tensor(3.0).log()
    assert ce[1] > limit and torch.allclose(value(), (ce[0] + ce[2] - limit) / 3)
    assert torch.allclose(value(ascent=False), (ce[0] + ce[2]) / 3)
    short = F.cross_entropy(logits[2:, 1:], torch.tensor([1]))
    other = erwp.classification(
        logits[1:], y[1:], restricted[1:], [1, 2], erwp.Config(ce_logits="remaining", ascent=False)
    )
    assert torch.allclose(other, short / 2)


def test_forgets_with_half_of_the_images(original, task):
    row = kit.evaluate(unlearn(original, task).model, task)
    assert row["forget_accuracy"] <= 0.05 and row["retain_accuracy"] >= 0.9


def test_zeroing_alone(original, task):
    out = unlearn(original, task, update="zero")
    assert "loss" not in out.history and not any("retain" in kind for kind in out.passes)
    assert kit.evaluate(out.model, task)["forget_accuracy"] < 0.7


def test_sees_only_its_share(original, task):
    """Poison every image outside the share that was drawn: nothing changes."""
    view = TaskView(task, Needs(retain="50 %", forget="50 %"), seed=0)
    seen = torch.cat([view.forget.rows, view.retain.rows])
    data, x = task.data, task.data.train_x.clone()
    hidden = torch.ones(len(x), dtype=torch.bool)
    hidden[seen] = False
    x[hidden] = 255 - x[hidden]
    poisoned = kit.datasets.ImageData(
        "poisoned", x, data.train_y, data.test_x, data.test_y, data.classes
    )
    vars(poisoned)["statistics"] = data.statistics
    again = unlearn(original, kit.tasks.forget_classes(poisoned, [1])).model.state_dict()
    for name, value in unlearn(original, task).model.state_dict().items():
        assert torch.equal(value, again[name])
    assert hidden.sum() == len(x) / 2


@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"amount": "0.5 %"},
            "0.5 % of the 60 retain images of class 0 is not even one: ask for 2 %",
        ),
        ({"amount": "0 %"}, "more than 0"),
        ({"amount": "120 %"}, "not more than 100 %"),
        ({"amount": "a tenth"}, "cannot read 'a tenth'"),
        ({"mask": "none"}, "mask must be one of relevant, random, all"),
        ({"share": 0.0}, r"share must lie in \(0, 1\]"),
        ({"temperature": 0.0}, "temperature must be positive"),
        ({"distillation": -1.0}, "distillation must not be negative"),
        ({"epochs": 0}, "epochs must be positive"),
    ],
)
def test_refuses_settings_that_cannot_work(original, task, options, message):
    with pytest.raises(ValueError, match=message):
        kit.unlearn("erwp", original, task, **options)


def test_refuses_all_classes_and_classes_without_images(original, data, task):
    with pytest.raises(ValueError, match="leaves nothing to retain"):
        kit.tasks.forget_classes(data, [0, 1, 2, 3])
    with pytest.raises(ValueError, match="do not exist"):
        kit.tasks.forget_classes(data, [4])
    rare = toy_data()
    keep = (rare.train_y != 2) | (torch.arange(len(rare.train_y)) % 60 < 1)
    few = kit.tasks.forget_classes(rare, [1], within=keep.nonzero().flatten())
    with pytest.raises(ValueError, match="10 % of the 1 retain images of class 2"):
        kit.unlearn("erwp", original, few)
    with pytest.raises(ValueError, match="no image of class 3"):
        erwp.relevance(original, task.forget.take(torch.tensor([], dtype=torch.long)), 3)
