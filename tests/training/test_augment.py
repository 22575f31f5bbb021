"""Augmentations move whole images, and the same way again."""

import pytest
import torch
import torch.nn.functional as F

import kit
from kit.datasets import Activations
from kit.training.augment import (
    Augment,
    random_colours,
    random_crop,
    random_cutout,
    random_flip,
    random_resized_crop,
    refuse_maps,
)


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


# --- photographs


def ramps(count, height, width):
    """Images that hold their own coordinates: channel 0 from left to right, 1 from top to bottom,
    the edges at 0 and 1."""
    x = (torch.arange(width) + 0.5) / width
    y = (torch.arange(height) + 0.5) / height
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)]).repeat(
        count, 1, 1, 1
    )


@pytest.mark.parametrize("shape", [(40, 40), (30, 60)])
def test_what_is_cut_out_and_enlarged(shape):
    """As torchvision draws it: share of the area, ratio of the sides, place."""
    cuts = random_resized_crop(ramps(4000, *shape), 0.25, generator())
    inner = slice(10, 20)  # far from the edges, where nothing was cut off
    slopes = [
        (cuts[:, 0, 15, inner].diff(dim=1).mean(1) * shape[1]).double(),
        (cuts[:, 1, inner, 15].diff(dim=1).mean(1) * shape[0]).double(),
    ]
    wide, high = slopes  # shares of the sides
    area, ratio = wide * high, wide * shape[1] / (high * shape[0])
    assert area.min() > 0.245 and area.max() < 1.01
    assert ratio.min() > 0.74
    assert ((ratio < 1.35) | (area > 0.99)).all()  # where no draw fits, all of the image
    middle = cuts.mean((2, 3))
    assert ((middle - 0.5).abs().mean(0) > 0.02).all()
    assert ((middle.mean(0) - 0.5).abs() < 0.01).all()
    from torchvision.transforms import RandomResizedCrop

    torch.manual_seed(0)
    image = torch.zeros(3, *shape)
    theirs = [RandomResizedCrop.get_params(image, (0.25, 1.0), (3 / 4, 4 / 3)) for _ in range(4000)]
    their_area = torch.tensor([h * w for _, _, h, w in theirs]).double() / (shape[0] * shape[1])
    assert (area.mean() - their_area.mean()).abs() < 0.02
    assert (area.std() - their_area.std()).abs() < 0.02


def test_a_crop_of_all_is_the_image():
    x = torch.rand(4, 3, 8, 8)
    whole = random_resized_crop(x, 1.0, generator())
    assert torch.allclose(whole, x, atol=1e-5)  # only the whole square has all of the area


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_are_torchvisions(channels):
    from torchvision.transforms.v2 import functional

    pixels = torch.rand(5, channels, 6, 7)
    mean, std = torch.tensor([0.5, 0.4, 0.3])[:channels], torch.tensor([0.2, 0.3, 0.25])[:channels]
    x = (pixels - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)
    out = random_colours(x, 0.5, generator(), mean, std)
    factors = 1 + 0.5 * (2 * torch.rand(3, 5, generator=generator()) - 1)
    for n, (b, c, s) in enumerate(factors.T.tolist()):
        theirs = functional.adjust_brightness(pixels[n], b)
        theirs = functional.adjust_contrast(theirs, c)
        if channels == 3:
            theirs = functional.adjust_saturation(theirs, s)
        ours = out[n] * std.view(-1, 1, 1) + mean.view(-1, 1, 1)
        assert torch.allclose(ours, theirs, atol=2e-3)


def test_colours_need_the_statistics():
    with pytest.raises(ValueError, match="jitter needs the mean and std"):
        Augment(jitter=0.2)(torch.rand(2, 3, 4, 4), generator())
    for wrong in ({"jitter": 1.5}, {"resized_crop": -0.1}):
        with pytest.raises(ValueError, match="must lie in .0, 1., got"):
            Augment(**wrong)


def test_the_loop_trains_with_them():
    data = kit.datasets.load("caltech-mini").thinned(0.1)
    task = kit.tasks.forget_classes(data, [0])
    weights = []
    for _ in range(2):
        model = kit.models.build("cnn", task, width=4)
        recipe = kit.Recipe(epochs=1, augment=Augment(resized_crop=0.35, jitter=0.4, flip=True))
        kit.fit(model, task.train, recipe)
        weights.append(model.head.weight)
    assert torch.equal(*weights)
