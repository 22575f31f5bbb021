"""A weights file that says what it is: tensors, and beside them how they came to be."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from kit.runtime.files import whole
from kit.runtime.version import __version__

KEY = "did-it-really-forget"  # of the text in the file
SUFFIXES = {".safetensors", ".pt", ".pth"}


@dataclass(frozen=True)
class Origin:
    """What a weights file says of its network.

    No file name is in it: those of a customer's pictures must not travel with a network. A picture
    is known by a hash of its path below the folder and of its file together.

    Attributes
    ----------
    model
        as ``kit.models.maker`` takes it.
    classes
        names, in the order of the outputs.
    image_size, grey, resize
        of the images, as ``kit.datasets.from_folder`` takes them.
    mean, std
        per channel in [0, 1], by which its images were normalised.
    test, test_share, split_seed
        how the folder was divided; ``test_share`` is None where it has parts of its own.
    trained
        hashes of the pictures it was trained on, but for those of ``requests``.
    requests
        what it was made to forget, one after the other: {"classes": [...]} or {"files": [hashes]}.
    made
        by which command, method and settings, at what cost.
    version
        of the kit.
    """

    model: str
    classes: list[str]
    image_size: int
    mean: list[float]
    std: list[float]
    trained: list[str]
    grey: bool = False
    resize: str = "crop"
    test: str = "test"
    test_share: float | None = None
    split_seed: int = 0
    requests: list[dict] = field(default_factory=list)
    made: dict = field(default_factory=dict)
    version: str = __version__


def save_weights(net: nn.Module, file: str | Path, origin: Origin | None = None) -> None:
    """Write a network's ``state_dict()`` as safetensors, or as a tensors-only file of torch.

    ``safetensors.torch.load_file(file)`` gives the tensors, and so does
    ``torch.load(file)["state_dict"]``. The file is whole or not there.

    Raises
    ------
    ValueError
        a name that ends otherwise than in .safetensors, .pt or .pth.
    """
    file = Path(file)
    check_suffix(file)
    state = {name: t.detach().cpu().clone().contiguous() for name, t in net.state_dict().items()}
    said = {} if origin is None else {KEY: json.dumps(asdict(origin))}
    with whole(file) as half:
        if file.suffix == ".safetensors":
            from safetensors.torch import save_file

            save_file(state, half, metadata={"format": "pt"} | said)
        else:
            torch.save({"state_dict": state} | said, half)


def read_origin(file: str | Path) -> Origin | None:
    """What a weights file says of its network; None where it says nothing.

    Raises
    ------
    FileNotFoundError
        no such file.
    ValueError
        a file that cannot be read, or what it says is not understood.
    """
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there: save a network's weights to it first")
    try:
        said = _metadata(file).get(KEY)
    except Exception as error:  # a file that cannot be read raises many kinds
        raise ValueError(
            f"{file} cannot be read as weights: it is neither safetensors nor a file of tensors "
            f"alone, as torch.save(net.state_dict(), file) writes it"
        ) from error
    if said is None:
        return None
    try:
        return Origin(**json.loads(said))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{file} was written by another version of the kit, or altered: {error}"
        ) from error


def check_suffix(file: Path) -> None:
    """``ValueError`` unless weights can be written to a file of this name."""
    if file.suffix not in SUFFIXES:
        raise ValueError(f"{file} must end in {', '.join(sorted(SUFFIXES))}")


def _metadata(file: Path) -> dict[str, str | Tensor]:
    if file.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(file, "pt") as opened:
            return opened.metadata() or {}
    held = torch.load(file, map_location="cpu", weights_only=True)
    return held if isinstance(held, dict) else {}
