"""One row of all audits: each equals its parts, and nothing is changed."""

import copy
import math
import warnings

import pytest
import torch
from sklearn.metrics import accuracy_score
from torch import nn

import kit
from kit.metrics import audits


def test_evaluate_changes_nothing(original, retrained, task):
    before = copy.deepcopy(original.state_dict())
    original.train()
    state = torch.get_rng_state()
    row = kit.evaluate(original, task, reference=retrained, original=original, audits="full")
    assert original.training
    original.eval()
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(v, original.state_dict()[k]) for k, v in before.items())
    assert all(isinstance(v, (int, float)) for v in row.values())
    assert row["distance_original"] == 0 and row["relearn_steps"] == 0


def test_evaluate_equals_its_parts(original, retrained, task):
    row = kit.evaluate(original, task, reference=retrained)
    forget, retain = (
        kit.predict(original, task.test_forget),
        kit.predict(original, task.test_retain),
    )
    assert row["forget_accuracy"] == accuracy_score(task.test_forget.y, forget.argmax(1))
    assert row["retain_accuracy"] == pytest.approx(
        accuracy_score(task.test_retain.y, retain.argmax(1)), abs=1e-6
    )
    everything = kit.predict(original, task.test).argmax(1)
    assert row["test_accuracy"] == pytest.approx(accuracy_score(task.test.y, everything), abs=1e-6)
    again = kit.evaluate(original, task, reference=original)
    assert again["forget_agreement"] == 1 and again["forget_total_variation"] == 0


@pytest.mark.slow
def test_evaluate_takes_the_reference_row_as_measured(original, retrained, task):
    options = {"reference": retrained, "original": original, "audits": "full"}
    reference = kit.evaluate(retrained, task, **options)
    measured = kit.evaluate(original, task, **options)
    given = kit.evaluate(original, task, **options, reference_row=reference)
    assert measured["relearn_steps_reference"] == reference["relearn_steps"]
    assert repr(measured) == repr(given)  # NaN included


def test_full_audits_of_samples_and_classes(original, retrained, task):
    """Every number is there, within its range; what needs a forgotten class is left out else."""
    full = {"reference": retrained, "original": original, "audits": "full"}
    row = kit.evaluate(original, task, **full)
    shares = ("_accuracy", "_recall", "_forget", "_retain", "_rate", "agreement", "leak", "shot_")
    for name, value in row.items():
        if any(part in name for part in shares) and not name.startswith("distance"):
            assert 0 <= value <= 1, name
    assert row["cka_original"] == pytest.approx(1) and row["idi"] == pytest.approx(1)
    assert row["tug_of_war"] < 0.6 < row["average_gap"] + 0.6
    known = [kit.metrics.features(model, task.forget) for model in (original, retrained)]
    assert kit.metrics.linear_cka(*known) == pytest.approx(row["cka_reference"])
    assert row["cka_reference"] < 0.99

    samples = kit.tasks.forget_samples(task.data, list(range(10)))
    row = kit.evaluate(original, samples, **full)
    assert "membership_auc" in row and "tug_of_war" in row
    assert "relearn_steps" not in row and "probe_forget" not in row


def test_folded_numbers_equal_their_parts(original, retrained, task):
    """Of a model that knows half of the class: test accuracy there must not enter."""
    half = copy.deepcopy(original)
    said = kit.predict(half, task.test_forget)
    others = said.index_fill(1, torch.tensor(1), -torch.inf).amax(1)
    with torch.no_grad():
        half.head.bias[1] -= (said[:, 1] - others).median()
    row = kit.evaluate(half, task, reference=retrained, original=original, audits="gap")
    assert 0.2 < row["forget_accuracy"] < 0.8

    def differences(*splits):
        for split in splits:
            ours, theirs = (accuracy_score(split.y, kit.predict(m, split).argmax(1))
                            for m in (half, retrained))  # fmt: skip
            yield abs(ours - theirs)

    parts = list(differences(task.forget, task.retain, task.test_retain))
    assert row["tug_of_war"] == pytest.approx(math.prod(1 - part for part in parts), abs=1e-6)
    rates = [kit.metrics.svm_nonmember_rate(m, task) for m in (half, retrained)]
    gaps = [*parts, abs(rates[0] - rates[1])]
    assert row["average_gap"] == pytest.approx(sum(gaps) / 4, abs=1e-6)


def test_relearning_has_reached_95_per_cent_of_the_originals_accuracy(
    original, retrained, task, monkeypatch
):
    monkeypatch.setattr(audits, "relearn_steps", lambda model, task, goal, **options: goal)
    for first in (original, retrained):
        said = kit.predict(first, task.test_forget).argmax(1)
        row = audits.comparison(retrained, task, first, seed=0)
        assert row["relearn_steps"] == 0.95 * accuracy_score(task.test_forget.y, said)


def test_a_broken_model_gets_no_row(original, task):
    broken = copy.deepcopy(original)
    with torch.no_grad():
        broken.head.weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="NaN"):
        kit.evaluate(broken, task)


def test_a_ruined_model_is_flagged(original, retrained, task):
    ruined = copy.deepcopy(original)
    with torch.no_grad():
        ruined.head.bias[1] = 100.0  # every image is of the forgotten class
    row = kit.evaluate(ruined, task, reference=retrained)
    assert row["retain_accuracy"] == 0 and row["collapsed"] == 1
    assert kit.evaluate(original, task, reference=retrained)["collapsed"] == 0


def pictures(counts, test_counts, classes=3):
    """Images whose class is a bright stripe, so many of each class."""
    draw = torch.Generator().manual_seed(0)
    parts = []
    for each in (counts, test_counts):
        y = torch.arange(classes).repeat_interleave(torch.tensor(each))
        x = torch.randint(0, 100, (len(y), 1, 12, 12), generator=draw, dtype=torch.uint8)
        x[torch.arange(len(y)), 0, y] += 150
        parts += [x, y]
    return kit.datasets.from_tensors("few", *parts)


def trained_pair(task):
    recipe = kit.Recipe(epochs=1, batch_size=8, bf16=False)
    pair = [kit.models.build("cnn", task, width=4, seed=seed) for seed in (0, 1)]
    for model, split in zip(pair, (task.train, task.retain), strict=True):
        kit.fit(model, split, recipe)
    return pair


def judged(model, task, **how):
    """The row; names of the numbers that are NaN, but for ratios that depend on how well a network
    learnt; and the one warning, which has to name them all."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        row = kit.evaluate(model, task, **how)
    missing = {name for name, value in row.items() if math.isnan(value)}
    said = str(told[0].message) if told else ""
    assert len(told) == bool(missing) and all(name in said for name in missing)
    assert all(warning.filename == __file__ for warning in told)
    return row, missing - {"anamnesis_index", "idi"}, said


@pytest.mark.parametrize("images", [1, 2, 3])
def test_full_audits_of_a_class_of_few_images(images):
    task = kit.tasks.forget_classes(pictures([images, 9, 9], [1, 3, 3]), [0])
    model, gold = trained_pair(task)
    row, missing, said = judged(model, task, reference=gold, original=model, audits="full")
    assert missing == {"cka_reference", "cka_original"}
    assert f"(CKA needs at least 4 images, there are {images})" in said
    assert 0 <= row["relearn_shot_1"] <= 1 and row["distance_reference"] > 0


def test_two_classes_of_which_one_is_left():
    task = kit.tasks.forget_classes(pictures([6, 6], [3, 3], classes=2), [1])
    model, gold = trained_pair(task)
    assert not judged(model, task, reference=gold, original=model, audits="full")[1]
    assert not judged(model, task, audits="features")[1]


def test_samples_of_a_class_without_test_images():
    """There is nobody to compare them with; the rest of the row is there."""
    task = kit.tasks.forget_samples(pictures([6, 6, 6], [3, 3, 0]), [12, 13])
    model, gold = trained_pair(task)
    row, missing, said = judged(model, task, reference=gold, original=model, audits="full")
    assert missing == {"membership_auc", "membership_leak", "membership_tpr"}
    assert "no test image of the forgotten classes ['2']" in said
    losses = nn.functional.cross_entropy(kit.predict(model, task.forget), task.forget.y)
    assert row["forget_loss"] == pytest.approx(losses.item(), rel=1e-5)
    others = kit.tasks.forget_samples(task.data, [0, 1])
    assert not judged(model, others)[1]


def test_one_image_with_batchnorm_of_one_value_a_channel():
    def make():
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 8),
            nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3),
        )  # fmt: skip

    data = pictures([3, 3, 3], [2, 2, 2])
    model = kit.models.wrap(make, data)
    pair = {"reference": model.rebuild(1), "original": model}
    for task in (kit.tasks.forget_samples(data, [0]), kit.tasks.forget_classes(data, [0])):
        assert not {n for n in judged(model, task, **pair, audits="full")[1] if "cka" not in n}


def test_a_smaller_network_beside_larger_ones():
    task = kit.tasks.forget_classes(pictures([9, 9, 9], [3, 3, 3]), [0])
    model, gold = trained_pair(task)
    small = kit.models.build("cnn", task, width=2)
    del small.rebuild, small.spec  # as of one whose channels were cut out
    distances = {"distance_reference", "distance_original"}
    for audits_, missing in (("fast", distances), ("full", {*distances, "zrf"})):
        found = judged(small, task, reference=gold, original=model, audits=audits_)
        assert found[1] == missing and "different architectures" in found[2]


def test_networks_of_other_stages_have_no_index_in_common():
    task = kit.tasks.forget_classes(pictures([9, 9, 9], [3, 3, 3]), [0])
    model, gold = trained_pair(task)
    other = kit.models.build("vgg11", task, width=2)
    row, _, said = judged(other, task, reference=gold, original=model, audits="full")
    assert "idi (the networks have stages of other names" in said
    assert math.isnan(row["idi"]) and 0 <= row["cka_reference"] <= 1


def test_networks_that_do_not_fit_are_named(original, task):
    class Vgg(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Conv2d(1, 2, 3, 2)
            self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(50, 4))

        def forward(self, x):
            return self.classifier(self.features(x))

    with pytest.raises(ValueError, match=r"model: .*Vgg has no head and no stages.*models\.wrap"):
        kit.evaluate(Vgg(), task)
    with pytest.raises(ValueError, match=r"reference: .*Vgg has no head.*kit\.models\.wrap"):
        kit.evaluate(original, task, reference=Vgg())
    wide = kit.models.build("cnn", pictures([3] * 5, [3] * 5, classes=5), width=2)
    with pytest.raises(ValueError, match=r"original: .* \(5,\) but the data have 4 classes"):
        kit.evaluate(original, task, original=wide)


def test_evaluate_refuses(original, task):
    with pytest.raises(ValueError, match="fast, gap, features, masking, relearn, comparison, full"):
        kit.evaluate(original, task, audits="some")
    with pytest.raises(ValueError, match="reference="):
        kit.evaluate(original, task, audits="full")
