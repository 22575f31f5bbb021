"""TF-IDF scores by hand, class means however the images are spread, pruning."""

import math

import pytest
import torch

import kit
from kit.methods import class_pruning as cp
from kit.models.channels import silent_channels
from kit.training.augment import Augment

# Three classes, four channels. Means over channels: 2, 1, 1; over classes: 2, 1, 2, 1/3.
MEANS = torch.tensor([[4.0, 1.0, 3.0, 0.0], [1.0, 1.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0]])


def test_tfidf_as_in_the_paper_by_hand():
    # Active (>= the class's mean over channels): channel 0 in classes 0, 1, 2; 1 in 1 and 2;
    # 2 in 0, 1, 2; 3 in 2. Class 0 has TF 4/8, 1/8, 3/8, 0.
    expected = [
        4 / 8 * math.log(4 / 4), 1 / 8 * math.log(4 / 3), 3 / 8 * math.log(4 / 4), 0.0,
    ]  # fmt: skip
    assert cp.tfidf(MEANS, 0, "paper").tolist() == pytest.approx(expected, abs=1e-6)


def test_tfidf_as_in_the_code_by_hand():
    # Active (>= the channel's mean over classes): 0 in class 0; 1 in all; 2 in 0 and 1; 3 in 2.
    expected = [
        4 / 8 * math.log(3 / 2), 1 / 8 * math.log(3 / 4), 3 / 8 * math.log(3 / 3), 0.0,
    ]  # fmt: skip
    assert cp.tfidf(MEANS, 0, "code").tolist() == pytest.approx(expected, abs=1e-6)
    assert cp.tfidf(MEANS, 2, "code")[3].item() == pytest.approx(1 / 4 * math.log(3 / 2), abs=1e-6)


def test_only_the_code_s_idf_changes_with_the_scale_of_a_class():
    louder = MEANS * torch.tensor([[1.0], [10.0], [1.0]])
    assert torch.allclose(cp.tfidf(louder, 0, "paper"), cp.tfidf(MEANS, 0, "paper"))
    assert not torch.allclose(cp.tfidf(louder, 0, "code"), cp.tfidf(MEANS, 0, "code"))


@pytest.mark.parametrize("direction, channel", [("highest", 0), ("lowest", 1)])
def test_directions_by_hand(direction, channel):
    """One of the four channels, whose scores for class 0 are .20, -.04, 0, 0 (see above)."""
    means = cp.ClassMeans({"conv": MEANS}, torch.ones(3, dtype=torch.long))
    config = cp.Config(direction=direction, idf="code", share=0.25)
    chosen = cp.choose(means, 0, config, seed=0)["conv"]
    assert chosen.nonzero().flatten().tolist() == [channel]


def test_a_silent_layer_scores_zero():
    assert cp.tfidf(torch.zeros(3, 4), 1).tolist() == [0, 0, 0, 0]


def test_means_of_augmented_images_are_few_and_reproducible(original, task):
    first, again, other = (
        cp.report(original, [task.retain, task.forget], images=40, seed=s) for s in (0, 0, 1)
    )
    assert first.counts.tolist() == [10] * 4
    assert torch.equal(first.means["conv"], again.means["conv"])
    assert not torch.equal(first.means["conv"], other.means["conv"])


def test_select_takes_the_share_of_each_layer():
    scores = {"a": torch.arange(16.0), "b": torch.arange(32.0)}
    chosen = cp.select(scores, 0.15, "layer")
    assert [m.nonzero().flatten().tolist() for m in chosen.values()] == [[14, 15], [28, 29, 30, 31]]


def test_global_threshold_counts_as_the_authors_code_does():
    """ResNet-20, a share of 5 %: 36 of 688 channels, none of them in layers of 16."""
    widths = [16] * 7 + [32] * 6 + [64] * 6
    order = torch.randperm(688, generator=torch.Generator().manual_seed(0)).float()
    scores = dict(enumerate(order.split(widths)))
    everywhere = sum(int((s >= 688 - 36).sum()) for s in scores.values())
    chosen = cp.select(scores, 0.05, "global")
    assert everywhere == 36
    assert not any(chosen[i].any() for i in range(7))
    wide = sum(int((scores[i] >= 688 - 36).sum()) for i in range(7, 19))
    assert sum(int(m.sum()) for m in chosen.values()) == wide


def test_variants_set_the_switches_and_each_can_be_set_alone():
    assert cp.Config(variant="code").direction == "lowest"
    mixed = cp.Config(variant="code", direction="highest")
    assert (mixed.direction, mixed.mask) == ("highest", "released")
    for wrong in ({"variant": "magic"}, {"direction": "up"}, {"share": 1.5}, {"images": -1}):
        with pytest.raises(ValueError, match="must"):
            cp.Config(**wrong)


def unlearn(original, task, **options):
    options = {"epochs": 1, "lr": 0.02, "batch_size": 32, "share": 0.3, **options}
    return kit.unlearn("class_pruning", original, task, **options)


def test_highest_and_lowest_are_disjoint_and_none_is_fine_tuning(original, task):
    chosen = {
        d: set(unlearn(original, task, direction=d, epochs=0).history["pruned_1"])
        for d in ("highest", "lowest", "random", "none")
    }
    assert len(chosen["highest"]) == len(chosen["lowest"]) == len(chosen["random"]) > 20
    assert not chosen["highest"] & chosen["lowest"]
    assert not chosen["none"]


def test_mask_kept_or_released(original, task):
    kept = unlearn(original, task)
    names = kept.history["pruned_1"]
    assert sum(int(m.sum()) for m in silent_channels(kept.model).values()) == len(names)
    released = unlearn(original, task, mask="released", batchnorm="kept")
    assert sum(int(m.sum()) for m in silent_channels(released.model).values()) == 0


def test_batchnorm_kept_emits_a_constant(original, task):
    x = task.test.inputs()[:2]
    outputs = {}
    for choice in ("zeroed", "kept"):
        model = unlearn(original, task, batchnorm=choice, epochs=0).model.cpu()
        channel = [m for m in (model.conv.weight == 0).flatten(1).all(1).nonzero().flatten()][0]
        with torch.no_grad():
            outputs[choice] = model.bn(model.conv(x))[:, channel]
    assert outputs["zeroed"].abs().max() == 0
    assert outputs["kept"].std() < 1e-6 and outputs["kept"].abs().max() > 1e-3


def test_masked_head_never_predicts_the_class(original, task):
    out = unlearn(original, task, epochs=0, head="masked")
    assert (kit.predict(out.model, task.test).argmax(1) != 1).all()


def test_several_classes_are_pruned_one_after_the_other(original, data):
    both = kit.tasks.forget_classes(data, [1, 2])
    out = unlearn(original, both, epochs=0)
    assert {"pruned_1", "pruned_2"} <= set(out.history)
    silent = sum(int(m.sum()) for m in silent_channels(out.model).values())
    assert silent == len(set(out.history["pruned_1"]) | set(out.history["pruned_2"]))


def test_means_of_the_next_class_are_of_the_pruned_network(original, data, monkeypatch):
    silent, report = [], cp.report

    def spy(model, *arguments):
        silent.append(sum(int(m.sum()) for m in silent_channels(model).values()))
        return report(model, *arguments)

    monkeypatch.setattr(cp, "report", spy)
    out = unlearn(original, kit.tasks.forget_classes(data, [1, 2]), epochs=0)
    assert silent == [0, len(out.history["pruned_1"])] and silent[1] > 20


def test_needs_convolutions_and_images(task):
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 4))
    with pytest.raises(ValueError, match="has none"):
        cp.class_means(flat, task.train)
    model = kit.models.build("resnet8", task, width=4)
    with pytest.raises(ValueError, match="no images"):
        cp.class_means(model, task.train.take(torch.tensor([], dtype=torch.long)))
    for wrong in ({"target": 9}, {"target": 0, "idf": "sklearn"}):
        with pytest.raises(ValueError, match="class means|idf"):
            cp.tfidf(MEANS, **wrong)


def test_augmentation_of_the_fine_tuning_is_a_setting():
    assert cp.Config(augment=Augment(flip=True)).recipe.augment.flip
