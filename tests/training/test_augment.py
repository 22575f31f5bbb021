"""Augmentations move whole images, and the same way again."""

import pytest
import torch
import torch.nn.functional as F

from kit.datasets import Activations
from kit.training.augment import Augment, random_crop, random_cutout, random_flip, refuse_maps


def generator():
    return torch.Generator().manual_seed(0)


def test_crop_is_a_shift():
    x = torch.arange(36.0).view(1, 1, 6, 6).repeat(8, 2, 1, 1)
    padded = F.pad(x, (1,) * 4, mode="reflect")
    windows = [padded[0, :, i : i + 6, j : j + 6] for i in range(3) for j in range(3)]
    for image in random_crop(x, 1, generator()):
        assert any(torch.equal(image, w) for w in windows)


def test_flip_mirrors_whole_images():
    x = torch.rand(64, 3, 4, 4)
    out = random_flip(x, generator())
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(out, x, strict=True)]
    kept = [torch.equal(a, b) for a, b in zip(out, x, strict=True)]
    assert all(m != k for m, k in zip(mirrored, kept, strict=True)) and 16 < sum(mirrored) < 48


def test_cutout_blanks_one_square():
    out = random_cutout(torch.ones(16, 3, 8, 8), 3, generator())
    assert (out == 0).sum((1, 2, 3)).tolist() == [3 * 9] * 16


@pytest.mark.parametrize("shape", [(12, 20), (20, 12)])
def test_oblong_images_keep_their_size(shape):
    x = torch.rand(64, 3, *shape)
    moved = Augment(crop=2, flip=True, cutout=4, affine=0.1)(x, generator())
    assert moved.shape == x.shape
    ones = torch.ones(400, 1, *shape)
    hidden = random_cutout(ones, 4, generator()) == 0
    assert hidden.sum((1, 2, 3)).tolist() == [16] * 400
    assert hidden.any(0).all()  # corners and far edges, too
    padded = F.pad(x, (1,) * 4, mode="reflect")
    for i, image in enumerate(random_crop(x, 1, generator())):
        cuts = padded[i].unfold(1, shape[0], 1).unfold(2, shape[1], 1).flatten(1, 2)
        assert (cuts == image[:, None]).flatten(2).all(2).all(0).any()


def test_refuses_what_is_larger_than_the_image():
    x = torch.rand(2, 3, 6, 9)
    with pytest.raises(ValueError, match="cutout of 7 pixels is larger than images of 6 x 9"):
        random_cutout(x, 7, generator())
    with pytest.raises(ValueError, match="crop of 6 pixels is too much for images of 6 x 9"):
        random_crop(x, 6, generator())


def test_no_augmentation_is_the_identity():
    x = torch.rand(4, 1, 8, 8)
    assert Augment()(x, generator()) is x
    moved = Augment(crop=1, flip=True, cutout=2, affine=0.1)(x, generator())
    assert moved.shape == x.shape and not torch.equal(moved, x)


def test_images_are_augmented_and_maps_are_not(data):
    labels = torch.tensor([0, 1])
    maps = Activations("seen", *[torch.rand(2, 3, 4, 4), labels] * 2, ["a", "b"])
    refuse_maps(data, Augment(flip=True))
    refuse_maps(maps, Augment())
    for augment in (Augment(crop=1), Augment(flip=True), Augment(cutout=2), Augment(affine=0.1)):
        with pytest.raises(ValueError, match="is for images, not for the activations of seen"):
            refuse_maps(maps, augment)
