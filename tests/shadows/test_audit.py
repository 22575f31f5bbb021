"""Audits by shadow models win where they must, and are at chance elsewhere."""

import dataclasses

import pytest

import kit
from kit import shadows
from kit.metrics import exposure, population_attack, u_lira, u_lira_interval
from kit.training import cache

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def over_fitted():
    """Sixteen networks that know 1,000 images each by heart, and the same retrained."""
    data = kit.datasets.load("fashion-mnist-mini")
    plan = shadows.halves(data, shadows=16, per_class=200, classes=[3])
    margins = {name: shadows.margins(plan, name) for name in ("original", "retrain", "logit_mask")}
    return plan, margins


def test_u_lira_wins_where_it_must(over_fitted):
    plan, margins = over_fitted
    masks = plan.unlearned, plan.never
    strong, weak = (
        u_lira(margins["original"], *masks),
        population_attack(margins["original"], *masks),
    )
    assert strong.auc >= 0.70
    assert strong.tpr(0.01) > weak.tpr(0.01)


def test_u_lira_is_at_chance_against_retraining(over_fitted):
    plan, margins = over_fitted
    low, high = u_lira_interval(margins["retrain"], plan.unlearned, plan.never)
    assert low < 0.5 < high


def test_u_lira_sees_through_the_mask(over_fitted):
    """Accuracy on the class is 0; which of its images were trained on is still to be read off."""
    plan, margins = over_fitted
    assert (margins["logit_mask"] < 0).all()
    assert u_lira(margins["logit_mask"], plan.unlearned, plan.never).auc >= 0.70


def test_an_audit_says_how_sure_of_the_forgotten_images_the_networks_are(over_fitted):
    data = over_fitted[0].data
    sure = {name: shadows.audit(data, [3], name, {})[1] for name in ("original", "logit_mask")}
    assert sure["original"]["forget_confidence"] > 0.9
    assert sure["logit_mask"]["forget_confidence"] < 1e-4


def test_a_planted_leak_is_found(over_fitted):
    """A retrained model that learns one forgotten image by heart gives just that image away."""
    plan = shadows.halves(over_fitted[0].data, shadows=16, per_class=200)
    margins = shadows.margins(plan, "retrain")
    asked, request = plan.target_images(), plan.task(0)
    forgotten = plan.unlearned[0].nonzero().flatten()
    planted = forgotten[margins[0, forgotten].argmin()]  # what only memory can get right
    leaky = cache.trained("lenet", request, on="retain", seed=cache.RETRAIN_SEED,
                          recipe=shadows.RECIPE)  # fmt: skip
    recipe = dataclasses.replace(shadows.RECIPE, epochs=5)
    kit.fit(leaky, [request.retain, asked.take(planted.repeat(8))], recipe)
    said = kit.metrics.scores.margin(kit.predict(leaky, asked), asked.y)
    before, after = (
        exposure(margins[1:], plan.never[1:], m)[forgotten] for m in (margins[0], said)
    )
    assert forgotten[after.argmax()] == planted
    assert after.max() > 4 > before.max()  # standard deviations of never-seen models
