"""The simple and the strong alternatives: what their mathematics promises, to the last bit."""

import copy
import importlib
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import kit
from kit.methods import access, bad_teacher, boundary_shrink, fisher, random_labels, salun, ssd
from kit.methods.neg_grad import pushed
from kit.parts.importance import squared_gradients
from kit.training import History

TOGETHER = ("neg_grad", "random_labels", "salun", "l1_sparse", "bad_teacher", "scrub",
            "boundary_shrink", "finetune")  # fmt: skip
SMALL = {"epochs": 2, "batch_size": 32}


def same(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(v, theirs[k]) for k, v in one.state_dict().items())


def unlearned(name, original, task, **options):
    return kit.unlearn(name, original, task, **options).model


@pytest.mark.parametrize("name", TOGETHER)
def test_without_steps_the_network_stays(name, original, task, monkeypatch):
    """Everything around the training leaves weights and BatchNorm's statistics as they were."""
    file = "random_labels" if name == "salun" else name
    module = importlib.import_module(f"kit.methods.{file}")
    monkeypatch.setattr(module, "fit", lambda *args, **options: History(loss=[0.0]))
    options = {"epsilon": 0.3} if name == "boundary_shrink" else {}
    assert same(original, unlearned(name, original, task, **options))


@pytest.mark.parametrize(
    "name, options", [("ssd", {"alpha": math.inf}), ("fisher", {"alpha": 0.0, "surgery": False})]
)
def test_no_change_asked_for_is_no_change(name, options, original, task):
    assert same(original, unlearned(name, original, task, **options))


@pytest.mark.parametrize(
    "name, options",
    [
        ("l1_sparse", {"gamma": 0.0}),
        ("neg_grad", {"alpha": 1.0}),
        ("scrub", {"alpha": 0.0, "max_epochs": 0, "optimizer": "sgd"}),
    ],
)
def test_equals_finetuning_where_its_own_term_is_nothing(name, options, original, task):
    recipe = SMALL | {"lr": 0.02}
    expected = unlearned("finetune", original, task, **recipe)
    assert same(expected, unlearned(name, original, task, **recipe, **options))


def test_salun_with_all_weights_is_random_labels(original, task):
    for redraw in (False, True):
        options = SMALL | {"redraw": redraw, "lr": 1e-3}
        expected = unlearned("random_labels", original, task, **options)
        assert same(expected, unlearned("salun", original, task, share=1.0, **options))


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
        out = unlearned("salun", original, task, freeze=freeze, optimizer=optimizer, **SMALL)
        after = dict(out.named_parameters())
        kept[freeze] = all(
            torch.equal(p[~mask[n]], after[n][~mask[n]]) for n, p in original.named_parameters()
        )
        assert any(not torch.equal(p, after[n]) for n, p in original.named_parameters())
    assert kept["exact"]
    assert kept["gradient"] == (optimizer == "adam")  # without weight decay Adam stays, too


def test_importance_does_not_depend_on_order(original, task):
    found = squared_gradients(original, task.forget)
    again = squared_gradients(original, task.forget.take(torch.randperm(len(task.forget))))
    for name, value in found.items():
        torch.testing.assert_close(value, again[name], rtol=1e-4, atol=1e-8)


def test_importance_of_one_image_is_its_squared_gradient(original, task):
    image = task.forget.take(torch.tensor([4]))
    loss = F.cross_entropy(original.eval()(image.inputs()), image.y)
    gradients = torch.autograd.grad(loss, list(original.parameters()))
    for value, gradient in zip(squared_gradients(original, image).values(), gradients, strict=True):
        torch.testing.assert_close(value, gradient.square(), rtol=1e-4, atol=1e-8)


def test_batches_measure_something_else(original, task):
    """The square of a batch's mean gradient: smaller, and another for another order."""
    by_batch = ssd.Config(importance="batch", batch_size=20)
    shuffled = task.retain.take(torch.randperm(len(task.retain)))
    image, batch, again = (
        sum(v.sum() for v in ssd.importances(original, images, config).values())
        for images, config in ((task.retain, ssd.Config()), (task.retain, by_batch),
                               (shuffled, by_batch))
    )  # fmt: skip
    assert batch < image and again < image
    assert abs(again - batch) > 0.01 * batch


def test_dampening_only_shrinks_and_the_ratio_is_bounded(original, task):
    out = unlearned("ssd", original, task, alpha=2.0)
    for before, after in zip(original.parameters(), out.parameters(), strict=True):
        assert (after.abs() <= before.abs()).all() and (after * before >= 0).all()
    share = len(task.forget) / len(task.train)  # a quarter: no ratio exceeds 4
    assert same(original, unlearned("ssd", original, task, alpha=1 / share + 1e-3))
    batches = {"importance": "batch", "batch_size": 20}  # of both parts, shuffled: no such bound
    assert not same(original, unlearned("ssd", original, task, alpha=1 / share + 1e-3, **batches))


def test_fisher_of_logistic_regression_in_closed_form(task):
    """E[(diag(p) - p p')_cc x_j^2], the diagonal of the Fisher information of a linear layer."""
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(144, 4))
    x = task.retain.inputs().flatten(1)
    p = linear(task.retain.inputs()).softmax(1)
    expected = torch.einsum("nc,nj->cj", p * (1 - p), x.square()) / len(x)
    found = squared_gradients(linear, task.retain, labels="model")
    torch.testing.assert_close(found["1.weight"], expected, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(found["1.bias"], (p * (1 - p)).mean(0), rtol=1e-4, atol=1e-7)


def test_fisher_noise_by_hand():
    information = torch.tensor([[1e-2, 1.0], [1e-9, 4.0]])
    paper = fisher.deviation(information, False, fisher.Config(variant="paper", alpha=1e-4))
    expected = (1e-4 * torch.tensor([[100.0, 1.0], [1000.0, 0.25]])) ** 0.25
    torch.testing.assert_close(paper, expected)
    code = fisher.deviation(information, False, fisher.Config(alpha=1e-4))
    expected = (1e-4 * torch.tensor([[50.5], [500.125]])) ** 0.5
    torch.testing.assert_close(code, expected, rtol=1e-4, atol=0)
    in_head = fisher.deviation(information, True, fisher.Config(alpha=1e-4))
    expected = (1e-4 * 10 * torch.tensor([[50.5], [50.125]])) ** 0.5
    torch.testing.assert_close(in_head, expected, rtol=1e-4, atol=0)


def test_surgery_alone_redraws_the_class_and_nothing_else(original, task):
    out = unlearned("fisher", original, task, alpha=0.0)
    changed = [
        n for n, p in out.named_parameters() if not torch.equal(p, original.get_parameter(n))
    ]
    assert changed == ["head.weight", "head.bias"]
    others = [0, 2, 3]
    assert torch.equal(out.head.weight[others], original.head.weight[others])


def test_scrub_moves_the_student_and_not_the_teacher(original, task, monkeypatch):
    from kit.methods import scrub

    teachers = []
    towards = scrub.towards

    def spy(teacher, config):
        teachers.append(teacher)
        return towards(teacher, config)

    monkeypatch.setattr(scrub, "towards", spy)
    out = unlearned("scrub", original, task, epochs=2, max_epochs=1, batch_size=32)
    assert all(same(original, teacher) for teacher in teachers) and teachers
    moved = [n for n, p in out.named_parameters() if not torch.equal(p, original.get_parameter(n))]
    assert len(moved) == len(list(original.parameters()))


def test_scrub_rewinds_to_the_epoch_that_fits(original, data):
    rows = range(0, 240)
    held = [r for r in rows if r % 10 == 0]
    trained_on = [r for r in rows if r % 10]
    asked = trained_on[::9]
    task = kit.tasks.forget_samples(data, asked, within=trained_on)
    assert task.validation.rows.tolist() == held
    options = {"epochs": 3, "max_epochs": 2, "batch_size": 32, "max_lr": 5e-3}
    last = unlearned("scrub", original, task, **options)
    unseen = kit.datasets.split.same_mix(task.validation, task.forget)

    def right(model, split):
        return kit.metrics.accuracy(kit.predict(model, split), split.y)

    back = unlearned("scrub", original, task, rewind=True, **options)
    goal = right(last, unseen)
    assert abs(right(back, task.forget) - goal) <= abs(right(last, task.forget) - goal)
    everything = kit.tasks.forget_samples(data, asked)
    with pytest.raises(ValueError, match="within=rows"):
        kit.unlearn("scrub", original, everything, rewind=True)


def test_bad_teacher_does_not_count_classes(original, task):
    """Twice as many classes, of which half are impossible, leave the loss as it was."""
    logits = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(0))
    asked = torch.tensor([0, 1, 0, 1, 1, 0])
    wide = F.pad(logits, (0, 4), value=-200.0)
    for temperature in (1.0, 2.0):
        narrow = bad_teacher.blended(*logits, asked, temperature)
        torch.testing.assert_close(bad_teacher.blended(*wide, asked, temperature), narrow)


def test_bad_teacher_follows_the_teacher_in_charge():
    good, bad = torch.tensor([[2.0, 0.0]]).repeat(2, 1), torch.tensor([[0.0, 3.0]]).repeat(2, 1)
    student = torch.stack([good[0], bad[0]])
    assert bad_teacher.blended(student, good, bad, torch.tensor([0, 1])).item() == 0
    assert bad_teacher.blended(student, good, bad, torch.tensor([1, 0])).item() > 1


def test_boundary_says_when_its_step_does_not_leave_the_class(original, task):
    with pytest.warns(UserWarning, match="raise epsilon"):
        labels, left = boundary_shrink.neighbours(
            original, task.forget, boundary_shrink.Config(epsilon=1e-4)
        )
    assert left < 0.1 and (labels != 1).all()  # the truth is left out all the same
    far = boundary_shrink.Config(epsilon=0.3, exclude_truth=False)
    labels, left = boundary_shrink.neighbours(original, task.forget, far)
    assert left >= 0.6 and (labels != 1).double().mean() == pytest.approx(left)


def test_boundary_expand_ends_with_the_outputs_it_began_with(original, task):
    out = unlearned("boundary_shrink", original, task, variant="expand", lr=0.01, batch_size=32)
    assert out.head.weight.shape == original.head.weight.shape
    assert kit.evaluate(out, task)["forget_accuracy"] < 0.5


def test_wrong_labels_are_wrong_and_spread():
    y = torch.arange(4).repeat(3000)
    wrong = random_labels.other_labels(y, 4, torch.Generator().manual_seed(0))
    assert (wrong != y).all()
    shares = torch.stack([wrong[y == c].bincount(minlength=4) for c in range(4)]) / 3000
    assert (shares[~torch.eye(4, dtype=torch.bool)] - 1 / 3).abs().max() < 0.05
    loose = random_labels.other_labels(y, 4, torch.Generator().manual_seed(0), exclude=False)
    assert (loose == y).double().mean() == pytest.approx(0.25, abs=0.02)


def test_ascent_stops_at_a_guess():
    logits = torch.tensor([[0.0, 5.0], [2.0, 0.0]], requires_grad=True)
    pushed(logits, torch.tensor([0, 0]), cap=True).backward()
    assert logits.grad[0].abs().sum() == 0 and logits.grad[1].abs().sum() > 0


@pytest.mark.parametrize(
    "name, options, match",
    [
        ("neg_grad", {"alpha": 1.5}, "alpha must lie"),
        ("neg_grad", {"variant": "minus"}, "variant must be"),
        ("salun", {"share": 0.0}, "share must lie"),
        ("salun", {"freeze": "no"}, "freeze must be"),
        ("scrub", {"max_epochs": 9}, "max_epochs must lie"),
        ("bad_teacher", {"target": "good"}, "target must be"),
        ("boundary_shrink", {"variant": "grow"}, "variant must be"),
        ("ssd", {"alpha": -1.0}, "alpha must be positive"),
        ("fisher", {"alpha": -1.0}, "alpha must not"),
        ("l1_sparse", {"gamma": -1.0}, "gamma must not"),
    ],
)
def test_refuses_settings_that_mean_nothing(name, options, match):
    with pytest.raises(ValueError, match=match):
        kit.methods.get(name).configure(**options)


@pytest.mark.parametrize("name", ["neg_grad", "random_labels", "salun", "l1_sparse", "bad_teacher",
                                  "scrub", "boundary_shrink", "ssd", "fisher"])  # fmt: skip
def test_published_values_are_a_preset_and_can_be_tuned(name):
    method = kit.methods.get(name)
    assert isinstance(method.config.paper(), method.config)
    for setting, values in method.grid.items():
        for value in values:
            method.configure(**{setting: value})
