"""The adversarial filter: each half of the game changes one player."""

import copy

import pytest
import torch

import kit
from kit.datasets.toy import toy_data
from kit.methods import feature_adversarial
from kit.parts.adversary import fresh_adversary, with_both
from kit.parts.filters import make_remover, through
from tests.conftest import changed


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


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_the_remover_hides_the_feature(feature_task, variant):
    """The term of lambda: in the paper the adversary's cross-entropy with one half, at least log 2;
    in the code minus that with the truth."""
    network = kit.models.build("cnn", feature_task, width=4)
    adversary = fresh_adversary(network, 1, seed=1)
    few = torch.arange(8)
    split = with_both(feature_task.train.take(few), feature_task.train_values[few])
    value = []
    for strength in (0.0, 1.0):
        players = copy.deepcopy((make_remover(split, seed=0, width=4), network, adversary))
        config = feature_adversarial.Config(variant=variant, width=4, strength=strength)
        game = feature_adversarial.Game(*players, 1, config).eval()
        value.append(game.loss(game, split.inputs(), split.y).item())
    hide = value[1] - value[0]
    assert hide > 0.69 if variant == "paper" else hide < 0


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
    with pytest.raises(ValueError, match="variant must be one of paper, code"):
        kit.methods.get("feature_adversarial").configure(variant="codes")
    with pytest.raises(ValueError, match="1 or 3 channels, got 2"):
        kit.unlearn("feature_adversarial", feature_original, feature_task, channels=2)
    with pytest.raises(ValueError, match="channels 0..15, not .99."):
        kit.unlearn("feature_filter", feature_original, feature_task, channels=(99,),
                    identifier_epochs=1, group_epochs=0)  # fmt: skip
