"""The one style of all figures: a colour and a marker for each method, everywhere."""

import zlib
from collections.abc import Sequence

import matplotlib.pyplot as plt

# Okabe and Ito's palette is told apart with every common colour vision; black is the gold standard.
ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip


STYLE = {
    "original": ("#7F7F7F", "o"),
    "retrain": ("#000000", "D"),
    "finetune": (SKY, "v"),
    "logit_mask": (PINK, "X"),
    "unsir": (BLUE, "s"),
    "unsir code": (ORANGE, "^"),
    "unsir no_noise": (GREEN, "P"),
    "unsir gaussian": (RED, "p"),
    "class_pruning": (RED, "s"),
    "erwp": (GREEN, "s"),
    "mixed_privacy": (ORANGE, "s"),
    "neg_grad": (RED, "v"),
    "random_labels": (BLUE, "^"),
    "salun": (BLUE, "v"),
    "bad_teacher": (PINK, "s"),
    "scrub": (ORANGE, "D"),
    "boundary_shrink": (PINK, "^"),
    "ssd": (GREEN, "D"),
    "fisher": (ORANGE, "p"),
    "l1_sparse": (SKY, "s"),
    "reproduced": (GREEN, "o"),
    "partly": (SKY, "d"),
    "not reproduced": (RED, "X"),
    "elsewhere": (BLUE, ">"),
    "not run": ("#BFBFBF", "o"),
    "clean": ("#4D4D4D", "d"),
    "untrained": ("#B3B3B3", "x"),
    "feature_sensitivity": (GREEN, "^"),
    "gradient_reversal": (PINK, "p"),
    "concept_erasure": (YELLOW, "h"),
    "influence_update": (RED, "P"),
    "feature_adversarial": (BLUE, "D"),
    "feature_filter": (ORANGE, "X"),
}

# Other names of the same thing, as pictures say them.
ALIASES = {
    "logit mask": "logit_mask",
    "fine-tuning": "finetune",
    "UNSIR": "unsir",
    "unsir paper": "unsir",
    "the notebook": "unsir code",
    "no noise": "unsir no_noise",
    "plain noise": "unsir gaussian",
    "ERwP": "erwp",
}


COLOURS = (ORANGE, SKY, GREEN, BLUE, RED, PINK)


MARKERS = "osv^<>PXpd"


PIECES, HATCHES = (GREEN, SKY, RED, BLUE, "#BFBFBF"), ("", "//", "xx", "..", "")


_RC = {
    "figure.dpi": 100,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def style(method: str) -> dict:
    """Colour and marker of a method, the same in every figure; new names get one of their own."""
    number = zlib.crc32(method.encode())
    drawn = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    colour, marker = STYLE.get(ALIASES.get(method, method), drawn)
    return {"color": colour, "marker": marker}


def distinct(names: Sequence[str]) -> dict[str, dict]:
    """A look for each line of one figure: a method's own, and for other names one that is free."""
    looks = {name: style(name) for name in names if ALIASES.get(name, name) in STYLE}
    taken = [look["color"] for look in looks.values()]
    free = [(c, m) for c, m in zip(COLOURS, MARKERS, strict=False) if c not in taken]
    others = [name for name in names if name not in looks]
    for number, name in enumerate(others):
        colour, marker = free[number % len(free)]
        looks[name] = {"color": colour, "marker": marker}
    return looks


def figure(width: float = 7.0, height: float = 3.0, columns: int = 1, rows: int = 1, **options):
    """``plt.subplots`` in the book's style; sizes in inches, 7 is the text's width."""
    plt.rcParams.update(_RC)
    return plt.subplots(rows, columns, figsize=(width, height), **options)
