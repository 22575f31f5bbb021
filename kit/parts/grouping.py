"""Interpretable compositional CNNs (Shen et al., IJCAI 2021): channels in groups that fire alike.

Channels whose maps agree over many images form a group; a loss makes groups tighter, and the number
of groups is read off the spectrum of their similarity.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.models.hooks import caught
from kit.models.stages import as_maps, channels_first
from kit.runtime.device import device
from kit.training import batches

LEAST = 1e-6  # norm below which a map counts as silent


def alike(maps: Tensor, mean: Tensor) -> Tensor:
    """Similarity of channels over a batch: 1 + the mean cosine of their centred maps, in [0, 2].

    Parameters
    ----------
    maps
        ``[B, C, H, W]``.
    mean
        ``[C, H, W]``, the mean map of each channel.

    Returns
    -------
    ``[C, C]``.
    """
    centred = (maps - mean).flatten(2)
    unit = centred / centred.norm(dim=2, keepdim=True).clamp_min(LEAST)
    return 1 + torch.einsum("bcp,bdp->cd", unit, unit) / len(maps)


def group_loss(similarity: Tensor, groups: Tensor) -> Tensor:
    """Minus the sum over groups of the share of similarity that stays inside the group.

    Parameters
    ----------
    similarity
        ``[C, C]``.
    groups
        the group of each channel, int64 ``[C]``.
    """
    members = nn.functional.one_hot(groups).to(similarity)  # [C, K]
    inside = (members * (similarity @ members)).sum(0)
    total = (members * similarity.sum(1, keepdim=True)).sum(0)
    return -(inside / total.clamp_min(1e-12)).sum()


@torch.no_grad()
def similarity_over(model: nn.Module, stage: str, split: Split) -> Tensor:
    """Similarity of a stage's channels over a data set: 1 + covariance over the product of norms.

    Returns
    -------
    float64 ``[C, C]`` on the CPU, in [0, 2].
    """
    mean = mean_maps(model, stage, split)
    covariance = 0
    for maps in maps_of(model, stage, split):
        centred = (maps - mean).flatten(2)
        covariance = covariance + torch.einsum("bcp,bdp->cd", centred, centred).double()
    norm = covariance.diagonal().sqrt().clamp_min(LEAST)
    return (1 + covariance / norm / norm[:, None]).cpu()


@torch.no_grad()
def mean_maps(model: nn.Module, stage: str, split: Split) -> Tensor:
    """The mean map of each channel of a stage, ``[C, H, W]``."""
    return sum(maps.sum(0) for maps in maps_of(model, stage, split)) / len(split)


def maps_of(model: nn.Module, stage: str, split: Split) -> Iterator[Tensor]:
    """The maps of a stage for all images of a split, batch by batch, in eval mode."""
    model.to(device()).eval()
    for x, _ in batches(split):
        with caught(model, stage) as maps:
            model(x)
        yield as_maps(channels_first(maps[0], x)).float()


def eigen_gaps(similarity: Tensor, most: int | None = None) -> Tensor:
    """Gaps between neighbours of the sorted eigenvalues of the normalised Laplacian.

    The position of the largest, counted from 1, is the number of groups; ``most`` limits it.

    Parameters
    ----------
    similarity
        symmetric ``[C, C]``, no entry negative.

    Raises
    ------
    ValueError
        a matrix that is not symmetric or has negative entries.
    """
    similarity = similarity.double()
    if not torch.allclose(similarity, similarity.T, atol=1e-6) or similarity.min() < -1e-6:
        raise ValueError("similarity must be symmetric and not negative")
    degree = similarity.sum(1).clamp_min(1e-12).rsqrt()
    laplacian = torch.eye(len(similarity), dtype=torch.float64)
    laplacian -= degree[:, None] * similarity * degree
    return torch.linalg.eigvalsh(laplacian).diff()[:most]  # ascending, as a symmetric solver gives


def spectral_groups(similarity: Tensor, count: int, seed: int = 0) -> Tensor:
    """The group of each channel by spectral clustering into ``count`` groups, int64 ``[C]``.

    Raises
    ------
    ValueError
        fewer than 2 groups, or more than channels.
    """
    from sklearn.cluster import SpectralClustering  # slow to import

    if not 2 <= count <= len(similarity):
        most = len(similarity)
        raise ValueError(f"{most} channels make 2 to {most} groups, not {count}")
    clustering = SpectralClustering(count, affinity="precomputed", random_state=seed)
    return torch.from_numpy(clustering.fit_predict(similarity.numpy())).long()
