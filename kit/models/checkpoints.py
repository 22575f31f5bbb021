"""Weights as people save them: inside a training state, under the names that tools give them."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

# Under which names training scripts and Lightning keep the weights, in order of preference.
ENTRIES = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights")
# What torch.compile, FSDP and activation checkpointing put into a name.
MARKS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}


def read_state(state: str | Path | Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a state dict by name, from a file or at hand.

    A training state is opened (its entry "state_dict", "model", ...), and what DataParallel and
    torch.compile put into the names is left out. No code in the file is run.

    Raises
    ------
    FileNotFoundError
        no such file.
    ValueError
        a file or an object that holds no state dict.
    """
    source = "the state"
    if isinstance(state, str | Path):
        source, state = str(state), _load(Path(state))
    if not isinstance(state, Mapping):
        raise ValueError(
            f"{source} is a {type(state).__name__}, not a state dict: give net.state_dict()"
        )
    inner = next((state[e] for e in ENTRIES if isinstance(state.get(e), Mapping)), None)
    if inner is not None:
        return read_state(inner)
    tensors = {str(name): tensor for name, tensor in state.items() if torch.is_tensor(tensor)}
    if not tensors:
        entries = ", ".join(map(str, list(state)[:5]))
        raise ValueError(f"{source} holds no tensors but {entries or 'nothing'}")
    return _renamed(state, tensors, _namer(tensors))


def load_state(
    net: nn.Module, state: str | Path | Mapping[str, Tensor], source: str = "the state"
) -> None:
    """Put weights into a network.

    They may lie below another name, as Lightning's "model.": what surrounds them is left aside.
    Half precision becomes what the network is in.

    Raises
    ------
    FileNotFoundError
        no such file.
    ValueError
        weights of another network, of several, or with NaN among them. What does fit may then be
        in the network.
    """
    source = str(state) if isinstance(state, str | Path) else source
    found = read_state(state)
    own = net.state_dict()
    plain = _namer(own)
    names = {plain(name): name for name in own}
    prefix = _prefix(found, names, source)
    inside = {name: tensor for name, tensor in found.items() if name.startswith(prefix)}
    state = _renamed(found, inside, lambda n: names.get(n[len(prefix) :], n[len(prefix) :]))
    others = {
        name: f"{name} {list(state[name].shape)} for {list(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    }
    for name in others:
        del state[name]
    missing, unexpected = net.load_state_dict(state, strict=False)
    lacking = [n for n in missing if n not in others]
    faults = {"missing": lacking, "unexpected": unexpected, "of another shape": others.values()}
    said = [f"{len(f)} {kind} ({_examples(f)})" for kind, f in faults.items() if f]
    if said:
        raise ValueError(f"{source} does not fit this network: {'; '.join(said)}")
    broken = [n for n, p in net.named_parameters() if not torch.isfinite(p).all()]
    if broken:
        raise ValueError(f"{source} holds NaN or infinite weights ({_examples(broken)})")


def _load(file: Path) -> object:
    """What a file holds; tensors and plain Python only."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there: save a network's state_dict() to it first")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file  # optional

            return load_file(file)
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that cannot be read raises many kinds
        raise ValueError(
            f"{file} does not hold plain tensors ({type(error).__name__}): write it with "
            f"torch.save(net.state_dict(), file), without the network's code or other objects"
        ) from error


def _namer(names: Iterable[str]) -> Callable[[str], str]:
    """How to take out of a name what tools put into all of these."""

    def plain(name: str) -> str:
        return ".".join(part for part in name.split(".") if part not in MARKS)

    wrapped = all(plain(name).startswith("module.") for name in names)
    return lambda name: plain(name).removeprefix("module." if wrapped else "")


def _renamed(
    state: Mapping, tensors: Mapping[str, Tensor], rename: Callable[[str], str]
) -> dict[str, Tensor]:
    """Some tensors of a state under other names, with the versions that torch notes of layers."""
    renamed = OrderedDict((rename(name), tensor) for name, tensor in tensors.items())
    versions = getattr(state, "_metadata", None) or {}
    renamed._metadata = {rename(f"{n}.").removesuffix("."): v for n, v in versions.items()}
    return renamed


def _prefix(found: Iterable[str], wanted: Iterable[str], source: str) -> str:
    """What stands in front of the network's names: "" or, say, "model."; the usual one where
    little fits."""
    wanted, fits = set(wanted), Counter({"": 0})
    for name in found:
        parts = name.split(".")
        for cut in range(len(parts)):
            if ".".join(parts[cut:]) in wanted:
                fits["".join(f"{part}." for part in parts[:cut])] += 1
    most = max(fits.values())
    best = [prefix for prefix, count in fits.items() if count == most]
    if len(best) > 1 and most == len(wanted) and "" not in best:
        both = " and ".join(f"{prefix!r}" for prefix in best[:2])
        raise ValueError(f"{source} holds several networks like this one, below {both}: give one")
    return min(best, key=len)


def _examples(names: Iterable[str]) -> str:
    """The first two of some names, the ends of long ones: a message stays one line."""
    names = list(names)
    shown = [name if len(name) <= 45 else f"...{name[-42:]}" for name in names[:2]]
    return ", ".join(shown) + (", ..." if len(names) > 2 else "")
