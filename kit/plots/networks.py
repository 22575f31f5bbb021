"""Pictures of networks and of what they see: answers, layers, features, images."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.metrics import accuracy, layer_distances, prediction_distribution
from kit.plots.page import show
from kit.plots.style import BLUE, COLOURS, MARKERS, figure, style
from kit.tasks import ForgetTask
from kit.training import predict


def standing(models: Mapping[str, nn.Module], task: ForgetTask) -> None:
    """Show the figure that opens every chapter.

    Left: accuracy of each model on test images of retained and forgotten classes. Right: what each
    model says the forgotten images are.
    """
    import seaborn as sns  # takes seconds to import

    names = list(models)
    retain, forget, shares = [], [], []
    for model in models.values():
        logits = predict(model, task.test_forget)
        shares.append(prediction_distribution(logits))
        forget.append(accuracy(logits, task.test_forget.y))
        retain.append(accuracy(predict(model, task.test_retain), task.test_retain.y))
    forgotten = " and ".join(task.data.classes[c] for c in task.forget_classes)

    height = 1.4 + 0.38 * len(names)
    fig, (left, right) = figure(9, height, 2, width_ratios=(1, 1.55))
    rows = np.arange(len(names))
    left.barh(rows - 0.19, retain, 0.36, color="#B8B8B8", label="retained")
    left.barh(rows + 0.19, forget, 0.36, color=BLUE, label="forgotten")
    for row, (r, f) in enumerate(zip(retain, forget, strict=True)):
        left.text(r + 0.02, row - 0.19, f"{r:.0%}", va="center", fontsize=8)
        left.text(f + 0.02, row + 0.19, f"{f:.0%}", va="center", fontsize=8)
    left.set(xlim=(0, 1.12), yticks=rows, yticklabels=names, xlabel="test accuracy")
    left.invert_yaxis()
    left.grid(False, axis="y")
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    sns.heatmap(
        torch.stack(shares).numpy() * 100, ax=right, cmap="Blues", vmin=0, vmax=100, annot=True,
        fmt=".0f", annot_kws={"size": 8}, cbar=False, linewidths=1, yticklabels=names,
        xticklabels=task.data.classes,
    )  # fmt: skip
    right.set_title(f"% of {forgotten} images predicted as", fontsize=10)
    right.tick_params(axis="x", rotation=45, length=0)
    right.tick_params(axis="y", rotation=0, length=0)
    plt.setp(right.get_xticklabels(), ha="right", rotation_mode="anchor")
    parts = [
        f"{name}: {r:.0%} on retained, {f:.0%} on forgotten, most often predicted "
        f"{task.data.classes[int(s.argmax())]} ({s.max():.0%})"
        for name, r, f, s in zip(names, retain, forget, shares, strict=True)
    ]
    show(fig, f"Test accuracy and predictions on forgotten {forgotten} images. " + "; ".join(parts))


def images(split: Split, classes: Sequence[str], *, per_class: int = 10) -> None:
    """Show the first images of each class that occurs in a split, a class a row.

    Raises
    ------
    ValueError
        maps of a layer in place of images.
    """
    if split.pixels.is_floating_point():
        shape = tuple(split.pixels.shape[1:])
        raise ValueError(f"activations of shape {shape} are no pictures: show their images")
    labels = split.y.unique().tolist()
    height = 0.62 * len(labels) + 0.1
    fig, axis = figure(0.62 * per_class + 1.2, height)
    rows = [_strip(split.of_classes([c]).x[:per_class]) for c in labels]
    axis.imshow(torch.cat(rows).squeeze(-1).numpy(), cmap="gray")
    size = split.pixels.shape[2]
    axis.set(xticks=[], yticks=[size * (i + 0.5) for i in range(len(labels))])
    axis.set_yticklabels([classes[c] for c in labels])
    axis.tick_params(length=0)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    names = ", ".join(classes[c] for c in labels)
    show(fig, f"{per_class} images of each of these classes, one class a row: {names}.")


def pictures(tiles: Mapping[str, Tensor], alt: str) -> None:
    """Show images side by side under their titles: ``[H, W]`` or ``[C, H, W]``, in any range."""
    fig, axes = figure(1.5 * len(tiles), 1.8, len(tiles), squeeze=False)
    for axis, (title, tile) in zip(axes[0], tiles.items(), strict=True):
        tile = tile.detach().float().cpu()
        tile = (tile - tile.min()) / (tile.max() - tile.min()).clamp_min(1e-8)
        axis.imshow(tile.movedim(0, -1).squeeze(-1) if tile.dim() == 3 else tile, cmap="gray")
        axis.set_title(title, fontsize=8)
        axis.set_axis_off()
    show(fig, alt)


def layers(
    models: Mapping[str, nn.Module], origin: nn.Module, *, origin_name: str = "the original"
) -> None:
    """Show how far each layer is from that of ``origin``, called ``origin_name``, on a log axis."""
    fig, axis = figure(7, 3.2)
    lines = {name: layer_distances(model, origin) for name, model in models.items()}
    for line, distances in lines.items():
        axis.plot(
            [max(d, 1e-4) for d in distances.values()], label=line, markersize=5, **style(line)
        )
    layer_names = list(next(iter(lines.values())))
    axis.set(yscale="log", ylabel=f"L2 distance to {origin_name}", xticks=range(len(layer_names)))
    axis.set_xticklabels(layer_names, rotation=60, ha="right", fontsize=7)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    totals = "; ".join(
        f"{name}: {sum(d**2 for d in line.values()) ** 0.5:.1f} in all"
        for name, line in lines.items()
    )
    show(fig, f"Distance of each layer's weights to {origin_name}, by layer. {totals}.")


def projections(
    features: Mapping[str, Tensor], labels: Tensor, classes: Sequence[str], shown: Sequence[int]
) -> None:
    """Show the features of several networks, each on its own two principal axes.

    Parameters
    ----------
    features
        name -> ``[n, width]``, of the same images.
    shown
        classes that get a colour and a star at their mean; the others are grey.
    """
    fig, axes = figure(9, 3.2, len(features))
    for axis, (name, values) in zip(axes, features.items(), strict=True):
        centred = values - values.mean(0)
        points = centred @ torch.linalg.svd(centred, full_matrices=False).Vh[:2].T
        rest = ~torch.isin(labels, torch.tensor(list(shown)))
        axis.plot(*points[rest].T, ".", color="#C4C4C4", markersize=3, label="other classes")
        for c, colour, marker in zip(shown, COLOURS, MARKERS, strict=False):
            own = points[labels == c]
            axis.plot(*own.T, marker, color=colour, markersize=3, alpha=0.7, label=classes[c])
            axis.plot(*own.mean(0), "*", color=colour, ms=15, markeredgecolor="black", zorder=5)
        axis.set(title=name, xticks=[], yticks=[])
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    coloured = " and ".join(classes[c] for c in shown)
    show(fig, f"Features of test images on two principal axes of {', '.join(features)}; "
              f"{coloured} in colour with their means, the other classes grey.")  # fmt: skip


def _strip(images: Tensor) -> Tensor:
    """Images side by side: uint8 ``[n, C, H, W]`` -> ``[H, n * W, C]``."""
    return torch.cat(list(images.permute(0, 2, 3, 1)), 1)
