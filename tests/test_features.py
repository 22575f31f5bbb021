"""Features: drawn as declared, removed by whom it should be, measured by hand-made examples."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

import kit
from kit.datasets import AnnotatedData
from kit.datasets.attributes import ATTRIBUTES
from kit.methods import feature_adversarial, feature_filter
from kit.methods.concept_erasure import leace
from kit.methods.gradient_reversal import reverse_gradient
from kit.metrics.feature import leakage, masks, reliance
from kit.parts import grouping
from kit.parts.adversary import bits, codes, fresh_adversary, with_both
from kit.parts.filters import make_remover, through
from tests.conftest import toy_data

DRAWN = list(ATTRIBUTES)


@pytest.fixture(scope="module")
def mini():
    return kit.datasets.load("fashion-mnist-mini")


# --- the attribute maker


@pytest.mark.parametrize("correlation", [0.95, 0.7])
def test_correlation_is_as_asked(mini, correlation):
    task = kit.tasks.forget_feature(mini, "glyph", correlation=correlation)
    common = torch.isin(task.train.y, torch.tensor([0, 3, 4, 5, 9]))
    goes_with = task.train_values[:, 0] == common
    error = (correlation * (1 - correlation) / len(goes_with)) ** 0.5
    assert abs(goes_with.double().mean() - correlation) < 3 * error
    for split, values in ((task.retain, task.retain_values), (task.test, task.test_values)):
        with_class = values[:, 0] == torch.isin(split.y, torch.tensor([0, 3, 4, 5, 9]))
        assert abs(with_class.double().mean() - 0.5) < 3 * (0.25 / len(split)) ** 0.5


@pytest.mark.parametrize("attribute", [*DRAWN, ("glyph", "tint")])
def test_drawing_keeps_labels_and_repeats(attribute):
    data = toy_data(size=20)
    first, again = (kit.tasks.forget_feature(data, attribute, seed=3) for _ in range(2))
    other = kit.tasks.forget_feature(data, attribute, seed=4)
    assert torch.equal(first.train.x, again.train.x) and torch.equal(first.test.x, again.test.x)
    assert not torch.equal(first.train.x, other.train.x)
    for split in (first.train, first.retain, first.counterfactuals, first.clean):
        assert torch.equal(split.y, data.train_y)
    assert torch.equal(first.aligned.y, data.test_y)


@pytest.mark.parametrize("attribute", ["glyph", "mark"])
def test_pairs_differ_in_the_box_alone(attribute):
    task = kit.tasks.forget_feature(toy_data(size=20), attribute)
    without, with_ = task.pairs()
    differ = (without.x != with_.x).any(1)
    assert differ.flatten(1).any(1).all() and not (differ & ~task.boxes()).any()
    assert (task.boxes().flatten(1).sum(1) == 25).all()
    if attribute == "glyph":  # equally bright, so that brightness says nothing
        assert torch.equal(without.x.flatten(1).long().sum(1), with_.x.flatten(1).long().sum(1))


def test_tint_changes_colours_alone():
    task = kit.tasks.forget_feature(toy_data(size=20), "tint")
    warm, cool = (split.x.float() for split in task.pairs())
    assert task.boxes() is None
    assert (warm[:, 0] >= warm[:, 2]).all() and (cool[:, 0] <= cool[:, 2]).all()
    assert torch.equal(warm[:, 1], cool[:, 1])


def test_counterfactuals_have_the_other_value():
    task = kit.tasks.forget_feature(toy_data(size=20), "glyph")
    drawn = task.drawing
    assert torch.equal(task.counterfactuals.x, drawn.train(1 - task.annotations))
    assert torch.equal(task.train.x, drawn.train(task.annotations))
    assert torch.equal(task.forget.x, task.train.x[task.train_values[:, 0] == 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attribute": "smile"}, "no attribute 'smile'; choose of shape, tint, glyph, mark"),
        ({"attribute": ("glyph", "glyph")}, "more than once"),
        ({"correlation": 1.0}, "between 0 and 1"),
        ({"common": [7]}, "0..3"),
        ({"common": [0, 1, 2, 3]}, "all classes"),
    ],
)
def test_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        kit.tasks.forget_feature(toy_data(size=20), **({"attribute": "glyph"} | change))


# --- photographs


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


def test_celeba_is_read_from_its_own_format(tmp_path, monkeypatch):
    from PIL import Image
    from torchvision.datasets import CelebA

    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06d}.jpg" for i in range(12)]
    rows = [[1 if (i + k) % 2 else -1 for k in range(3)] for i in range(12)]
    for i, name in enumerate(names):
        Image.new("RGB", (178, 218), (20 * i, 0, 255 - 20 * i)).save(
            folder / "img_align_celeba" / name
        )
    table = "".join(f"{n} {' '.join(map(str, r))}\n" for n, r in zip(names, rows, strict=True))
    (folder / "list_attr_celeba.txt").write_text(f"12\nBald Smiling Young \n{table}")
    parts = "".join(f"{n} {0 if i < 8 else 2}\n" for i, n in enumerate(names))
    (folder / "list_eval_partition.txt").write_text(parts)
    for file, width in (("identity_CelebA", 1), ("list_bbox_celeba", 4),
                        ("list_landmarks_align_celeba", 10)):  # fmt: skip
        text = "".join(f"{n} {' '.join(['1'] * width)}\n" for n in names)
        head = "" if file.startswith("identity") else "12\n" + " ".join(["a"] * width) + "\n"
        (folder / f"{file}.txt").write_text(head + text)
    monkeypatch.setattr(CelebA, "_check_integrity", lambda self: True)
    data = kit.datasets.load("celeba", root=tmp_path)
    assert data.attributes == ("Bald", "Smiling", "Young") and data.image_size == 64
    assert (len(data.train_y), len(data.test_y)) == (8, 4)
    assert data.train_a[0].tolist() == [0, 1, 0] and data.classes == ["not Bald", "Bald"]
    assert data.with_target("Smiling").train_y.tolist() == data.train_a[:, 1].tolist()
    colour = data.train_x[7].float().mean((1, 2))
    assert torch.allclose(colour, torch.tensor([140.0, 0.0, 115.0]), atol=4)  # JPEG


# --- the two players


def test_gradient_reversal_is_minus_lambda_times_the_gradient():
    x = torch.randn(5, 3, requires_grad=True)
    (reverse_gradient(x, 2.5) ** 3).sum().backward()
    torch.testing.assert_close(x.grad, -2.5 * 3 * x.detach() ** 2, atol=1e-6, rtol=1e-6)


def test_an_open_remover_changes_nothing(feature_task):
    remover = make_remover(feature_task.train, seed=0)
    for parameter in remover.parameters():
        nn.init.zeros_(parameter)
    nn.init.constant_(remover.last.bias, 20.0)
    x = feature_task.test.inputs()[:50]
    assert (remover.eval()(x) - x).abs().max() < 1e-3


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_each_half_changes_one_player(feature_original, feature_task, variant):
    config = feature_adversarial.Config(variant=variant, width=4, batch_size=64)
    network = copy.deepcopy(feature_original)
    adversary = fresh_adversary(network, 1, seed=1)
    remover = make_remover(feature_task.train, seed=0, width=4)
    game = feature_adversarial.Game(remover, network, adversary, 1, config)
    before = [copy.deepcopy(m.state_dict()) for m in (network, adversary, remover)]
    feature_adversarial.remove(game, with_both(feature_task.train, feature_task.train_values), 0)
    moved = [changed(state, m) for state, m in zip(before, (network, adversary, remover),
                                                   strict=True)]  # fmt: skip
    assert moved == [False, variant == "paper", True]
    assert all(p.requires_grad for p in network.parameters())
    state = copy.deepcopy(remover.state_dict())
    kit.fit(network, feature_task.train, kit.Recipe(epochs=1), loss=through(remover))
    assert changed(before[0], network) and not changed(state, remover)


def changed(state, module):
    return any(not torch.equal(v, module.state_dict()[k]) for k, v in state.items())


def test_frozen_networks_drift_if_asked(feature_original, feature_task):
    config = feature_adversarial.Config(variant="code", drift=True, width=4, batch_size=64)
    network = copy.deepcopy(feature_original)
    remover = make_remover(feature_task.train, seed=0, width=4)
    game = feature_adversarial.Game(remover, network, fresh_adversary(network, 1, 1), 1, config)
    feature_adversarial.remove(game, with_both(feature_task.train, feature_task.train_values), 0)
    name = "stage1.1.running_mean"
    assert not torch.equal(network.state_dict()[name], feature_original.state_dict()[name])
    for key, value in feature_original.named_parameters():
        assert torch.equal(value, dict(network.named_parameters())[key])


def test_codes_are_reversible():
    values = torch.randint(0, 2, (40, 3), generator=torch.Generator().manual_seed(0))
    assert torch.equal(bits(codes(values), 3), values.float())


def test_two_features_at_once():
    task = kit.tasks.forget_feature(toy_data(size=20), ("glyph", "tint"))
    model = kit.models.build("cnn", task, width=4)
    out = kit.unlearn("feature_adversarial", model, task, epochs=1, width=4, channels=3,
                      consolidation=1)  # fmt: skip
    row = kit.evaluate(out.model, task, image_filter=out.filter)
    assert {"glyph_flip_rate", "tint_filtered_flip_rate", "glyph_energy_in_box"} <= set(row)
    assert "tint_energy_in_box" not in row
    assert task.name == "feature:glyph+tint"


def test_refuses_settings(feature_original, feature_task):
    with pytest.raises(ValueError, match='variant must be "paper" or "code"'):
        kit.methods.get("feature_adversarial").configure(variant="codes")
    with pytest.raises(ValueError, match="1 or 3 channels, got 2"):
        kit.unlearn("feature_adversarial", feature_original, feature_task, channels=2)
    with pytest.raises(ValueError, match="channels 0..15, not .99."):
        kit.unlearn("feature_filter", feature_original, feature_task, channels=(99,),
                    identifier_epochs=1, group_epochs=0)  # fmt: skip


# --- groups of channels


def test_group_loss_by_hand():
    similarity = torch.tensor([[2.0, 1.5, 0.5, 0.0], [1.5, 2.0, 1.0, 0.5], [0.5, 1.0, 2.0, 1.0],
                               [0.0, 0.5, 1.0, 2.0]])  # fmt: skip
    # groups {0, 1} and {2, 3}: inside 7 and 6; of rows 0 and 1 in all 9, of rows 2 and 3 in all 8
    loss = grouping.group_loss(similarity, torch.tensor([0, 0, 1, 1]))
    assert loss.item() == pytest.approx(-(7 / 9 + 6 / 8))


def test_similarity_of_equal_and_opposite_maps():
    maps = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    both = torch.cat([maps, maps, -maps], 1)
    expected = torch.tensor([[2.0, 2, 0], [2, 2, 0], [0, 0, 2]])
    torch.testing.assert_close(grouping.alike(both, torch.zeros(3, 4, 4)), expected)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_planted_groups_are_found(count):
    generator = torch.Generator().manual_seed(count)
    truth = torch.arange(count).repeat_interleave(6)
    sources = torch.randn(400, count, generator=generator)
    signals = sources[:, truth] + 0.3 * torch.randn(400, len(truth), generator=generator)
    similarity = torch.corrcoef(signals.T).clamp_min(0) + 0.01
    gaps = grouping.eigen_gaps(similarity)
    assert int(gaps.argmax()) + 1 == count
    groups = grouping.spectral_groups(similarity, count)
    pairs = (groups[:, None] == groups) == (truth[:, None] == truth)
    assert pairs.all()
    shuffled = torch.randperm(len(truth), generator=generator)  # the order of channels is nothing
    again = grouping.eigen_gaps(similarity[shuffled][:, shuffled])
    torch.testing.assert_close(again, gaps)


def test_grouping_refuses():
    with pytest.raises(ValueError, match="symmetric"):
        grouping.eigen_gaps(torch.tensor([[1.0, 0.5], [0.2, 1.0]]))
    with pytest.raises(ValueError, match="2 to 4 groups, not 9"):
        grouping.spectral_groups(torch.eye(4), 9)


def test_a_map_filter_by_batch_depends_on_company(feature_original, feature_task):
    filters = {}
    for variant in ("paper", "code"):
        config = feature_filter.Config(variant=variant)
        filters[variant] = feature_filter.MapFilter(
            copy.deepcopy(feature_original), [0, 1], feature_task.train, config
        )
    x = feature_task.test.inputs()
    for variant, found in filters.items():
        alone, together = found.heats(x[:1]), found.heats(x)[:1]
        assert torch.allclose(alone, together, atol=1e-5) == (variant == "paper")


# --- erasure


def test_after_leace_a_linear_reader_is_as_good_as_a_constant():
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(0, 2, (3000, 1), generator=generator)
    features = torch.randn(3000, 12, generator=generator) @ torch.randn(12, 12, generator=generator)
    features[:, 3] += 2 * values[:, 0]
    features[:, 7] -= values[:, 0]
    features[:, 9] = 0.0  # a channel that never fires
    keep, shift = leace(features, values)
    erased = features.double() @ keep.T + shift
    centred = values.double() - values.double().mean()
    assert (erased.T @ centred / 3000).abs().max() < 1e-9
    design = torch.cat([erased, torch.ones(3000, 1, dtype=torch.float64)], 1)
    solution = torch.linalg.lstsq(design, values.double(), driver="gelsd").solution
    best = ((design @ solution - values) ** 2).mean()
    assert abs(best - (centred**2).mean()) < 1e-3
    torch.testing.assert_close(erased.mean(0), features.double().mean(0), atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="do not match"):
        leace(features, values[:-1])


def test_erasure_is_part_of_the_head(feature_original, feature_task):
    model = kit.unlearn("concept_erasure", feature_original, feature_task).model
    seen = kit.metrics.features(feature_original, feature_task.train)
    keep, shift = leace(seen, feature_task.train_values)
    head = feature_original.head
    expected = (seen.double() @ keep.T + shift).float() @ head.weight.T + head.bias
    torch.testing.assert_close(
        kit.predict(model, feature_task.train), expected.detach(), atol=1e-3, rtol=1e-3
    )


# --- measures


class Reader(nn.Module):
    """Says class 1 where the left upper pixel of the first channel is bright."""

    def forward(self, x):
        bright = x[:, 0, 0, 0]
        return torch.stack([-bright, bright, bright * 0 - 9, bright * 0 - 9], 1)


def test_flip_rate_by_hand():
    task = kit.tasks.forget_feature(toy_data(size=20), "mark")
    dark, light = (replace(task.test, pixels=torch.full_like(task.test.pixels, v))
                   for v in (0, 255))  # fmt: skip
    light.pixels[: len(light) // 4] = 0  # a quarter of the pairs does not differ
    found = reliance.counterfactual(Reader(), (dark, light))
    assert found["flip_rate"] == 0.75
    assert reliance.counterfactual(Reader(), (dark, dark)) == {
        "flip_rate": 0.0, "flip_js": 0.0, "sensitivity": 0.0}  # fmt: skip


class Hole(nn.Module):
    """A filter that blackens known boxes; the images come in order."""

    def __init__(self, boxes):
        super().__init__()
        self.boxes, self.at = boxes, 0

    def mask(self, x):
        rows = self.boxes[self.at : self.at + len(x)]
        self.at += len(x)
        return (~rows)[:, None].float()

    def pixels(self, x):
        return torch.ones_like(x)


def test_mask_quality_by_hand():
    task = kit.tasks.forget_feature(toy_data(size=20), "glyph")
    boxes = task.boxes()
    exact = masks.mask_quality(Hole(boxes), task)
    assert exact["mask_iou"] == exact["energy_in_box"] == 1 and exact["collateral"] == 0
    assert exact["removed"] == pytest.approx(25 / 400)
    everything = masks.mask_quality(Hole(torch.ones_like(boxes)), task)
    assert everything["mask_iou"] == pytest.approx(25 / 400)
    assert everything["energy_in_box"] == pytest.approx(25 / 400)
    with pytest.raises(ValueError, match="everywhere"):
        masks.mask_quality(Hole(boxes), kit.tasks.forget_feature(toy_data(size=20), "tint"))


def test_probes_read_what_is_there(feature_original, feature_task):
    layers = leakage.layer_leakage(feature_original, feature_task)
    assert list(layers) == ["stage1", "stage2", "stage3", "features", "logits"]
    assert layers["features"] > 0.85
    assert leakage.hidden_probe(feature_original, feature_task) > 0.85
    blind = copy.deepcopy(feature_original)
    nn.init.zeros_(blind.stage3[0].weight)
    assert leakage.layer_leakage(blind, feature_task)["features"] < 0.65


def test_relearning_the_feature(feature_original, feature_task):
    goal = reliance.reliance_gap(feature_original, feature_task)["reliance_gap"] / 2
    assert kit.metrics.reliance_steps(feature_original, feature_task, goal) == 0
    fresh = kit.models.build("cnn", feature_task, width=8, seed=5)
    assert kit.metrics.reliance_steps(fresh, feature_task, goal, max_epochs=1) > 0


def test_evaluate_leaves_the_model(feature_original, feature_task):
    before = copy.deepcopy(feature_original.state_dict())
    row = kit.evaluate(feature_original, feature_task, reference=feature_original,
                       original=feature_original, audits="full")  # fmt: skip
    assert not changed(before, feature_original)
    assert row["reliance_steps"] == 0 and row["gradcam_share"] > 0


def test_a_filter_is_for_features(original, task):
    with pytest.raises(ValueError, match="tasks that forget a feature"):
        kit.evaluate(original, task, image_filter=nn.Identity())
    with pytest.raises(
        ValueError, match="serves feature forgetting, this task is of level 'class'"
    ):
        kit.unlearn("feature_adversarial", original, task)


def test_the_gold_standards_differ(feature_task, tmp_path, monkeypatch):
    """Three trainings on the same rows are three models in the cache."""
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    recipe = kit.Recipe(epochs=1, batch_size=64)
    states = [
        kit.trained("cnn", feature_task, on=on, recipe=recipe, width=4).state_dict()["head.weight"]
        for on in ("train", "retain", "clean")
    ]
    assert not torch.equal(states[0], states[1]) and not torch.equal(states[1], states[2])
