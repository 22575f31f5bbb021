"""Networks for small images: ``build`` one by name; each has ``features(x)`` and ``head``."""

from kit.models.architectures import build, names
from kit.models.base import Classifier
from kit.models.by_name import maker
from kit.models.checkpoints import load_state, read_state
from kit.models.from_file import load_pretrained, save_pretrained
from kit.models.own import wrap
from kit.models.pretrained import pretrained
from kit.models.weights import Origin, read_origin, save_weights

__all__ = [
    "Classifier", "Origin", "build", "load_pretrained", "load_state", "maker", "names",
    "pretrained", "read_origin", "read_state", "save_pretrained", "save_weights", "wrap",
]  # fmt: skip
