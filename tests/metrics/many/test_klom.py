"""KLoM: worked values and nulls."""

import pytest
import torch

from kit.metrics.many import klom

UNLEARNED = torch.tensor([[0.0], [1], [2], [3]])


RETRAINED = torch.tensor([[2.0], [3], [4], [5]])


def test_klom_by_hand():
    histogram = klom.klom_histogram(UNLEARNED, RETRAINED, bins=5)
    assert histogram.item() == pytest.approx(5.0633, abs=1e-4)
    lost = klom.klom_histogram(UNLEARNED, RETRAINED, bins=5, variant="code")
    assert lost.item() == pytest.approx(4.9195, abs=1e-4)
    spread = UNLEARNED.std().item()
    unit = klom.klom_gaussian(UNLEARNED / spread, UNLEARNED / spread + 1)
    assert unit.item() == pytest.approx(0.5, abs=1e-6)
    assert klom.klom_gaussian(UNLEARNED, UNLEARNED).item() == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="same images"):
        klom.klom_gaussian(UNLEARNED, RETRAINED.T)


@pytest.mark.parametrize("estimator", [klom.klom_histogram, klom.klom_gaussian])
def test_broken_models_are_named(estimator):
    for value, kind in ((torch.nan, "NaN"), (torch.inf, "infinite"), (-torch.inf, "infinite")):
        broken = UNLEARNED.clone()
        broken[2] = value
        for pair in ((broken, RETRAINED), (UNLEARNED, broken)):
            with pytest.raises(ValueError, match=rf"models \[2\] contain {kind}"):
                estimator(*pair)
    with pytest.raises(ValueError, match="no images"):
        estimator(UNLEARNED[:, :0], RETRAINED[:, :0])


def test_gaussian_klom_has_a_direction():
    """KL of a spread of 2 from one of 1 is log(1/2) + 2 - 1/2; the other way log 2 + 1/8 - 1/2."""
    narrow = (UNLEARNED - UNLEARNED.mean()) / UNLEARNED.std()
    assert klom.klom_gaussian(2 * narrow, narrow).item() == pytest.approx(0.8069, abs=1e-4)
    assert klom.klom_gaussian(narrow, 2 * narrow).item() == pytest.approx(0.3181, abs=1e-4)


@pytest.mark.parametrize("sign", [1, -1])
def test_margins_beyond_100_say_no_more(sign):
    def far(margin):
        return klom.klom_gaussian(sign * torch.tensor([[0.0], [margin]]), UNLEARNED).item()

    assert far(150.0) == far(1e4) == far(100.0) > far(80.0) > far(20.0)


@pytest.mark.parametrize(
    ("models", "floor"), [(10, 5.65), (20, 3.0), (50, 0.78), (100, 0.32), (500, 0.048)]
)
def test_klom_histogram_null(models, floor):
    """The two readings of the estimator's floor differ by a tenth; these lie between them."""
    assert klom.null(models, estimator=klom.klom_histogram) == pytest.approx(floor, rel=0.1)


@pytest.mark.parametrize(("models", "floor"), [(10, 0.155), (20, 0.075), (50, 0.029)])
def test_klom_gaussian_null(models, floor):
    assert klom.null(models, images=20000) == pytest.approx(floor, rel=0.1)
