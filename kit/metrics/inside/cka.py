"""Linear CKA: do two networks arrange the same images alike?"""

from torch import Tensor

from kit.metrics.checks import check_numbers
from kit.metrics.undefined import Undefined


def linear_cka(x: Tensor, y: Tensor, *, unbiased: bool = False) -> float:
    """Similarity of two feature spaces on the same images (Kornblith et al., ICML 2019).

    ``|Y^T X|_F^2 / (|X^T X|_F |Y^T Y|_F)`` of the centred features ``[n, width]``, in [0, 1]; 1 for
    spaces that are equal up to rotation and scale. Good value: that of two retrained models.

    Parameters
    ----------
    unbiased
        estimate from pairs of different images only (Song et al. 2012), in (-1, 1]: the plain value
        is too high for fewer images than a few times the width.

    Raises
    ------
    ValueError
        features of different images, or features that do not vary.
    """
    if len(x) != len(y):
        raise ValueError(f"need features of the same images, got {len(x)} and {len(y)}")
    if len(x) < 4:
        raise Undefined(f"CKA needs at least 4 images, there are {len(x)}")
    check_numbers("CKA", x, y)
    x, y = (z.double() - z.double().mean(0) for z in (x, y))
    if not (x.any() and y.any()):
        raise Undefined("the features are the same for all images: CKA is not defined")
    if not unbiased:
        return ((y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())).item()
    k, m = (z @ z.T for z in (x, y))
    own = _hsic(k, k), _hsic(m, m)
    if min(own) <= 0:
        raise Undefined("too few images for the unbiased CKA: its denominator is not positive")
    return (_hsic(k, m) / (own[0] * own[1]) ** 0.5).item()


def _hsic(k: Tensor, m: Tensor) -> Tensor:
    """Unbiased Hilbert-Schmidt independence criterion of two Gram matrices ``[n, n]``."""
    n = len(k)
    k, m = k - k.diag().diag(), m - m.diag().diag()
    cross = k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 * (k.sum(0) * m.sum(0)).sum() / (n - 2)
    return ((k * m).sum() + cross) / (n * (n - 3))
