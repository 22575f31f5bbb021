"""``report``: run the audits, and put what they find into one document."""

import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from torch import nn

from kit.metrics.inside import masking
from kit.metrics.undefined import explained
from kit.parts.sham import sham_update
from kit.plots.report.audits import AUDITS
from kit.plots.report.finding import Audit, Finding, Networks
from kit.plots.report.page import page
from kit.plots.report.store import fingerprints, state_hash, stored
from kit.plots.report.words import asked, first_lines, statements
from kit.runtime.files import whole
from kit.runtime.plain import plain
from kit.runtime.progress import progress
from kit.runtime.version import __version__
from kit.tasks import ForgetTask
from kit.training import check_model

BATCH, MOST_STEPS, RATE = 64, 200, 1e-4  # of the sham update
MOST_FILES = 50  # of a request that are named


@dataclass(frozen=True)
class Report:
    """What the audits found, as a page and as plain values.

    Attributes
    ----------
    about
        the request, the data, the weights by hash, the method and its cost.
    first_lines
        what a hurried reader takes away.
    findings
        one for each audit.
    statements
        what these numbers allow one to say ("can") and what they do not ("cannot").
    """

    about: dict
    first_lines: list[str]
    findings: list[Finding]
    statements: dict[str, list[str]]

    @property
    def json(self) -> dict:
        """All of it in plain values; NaN is None."""
        return plain(asdict(self) | {"kit": __version__})

    @property
    def html(self) -> str:
        """One self-contained page: nothing in it is loaded from elsewhere."""
        return page(self.about, self.first_lines, self.findings, self.statements)

    def save(self, file: str | Path) -> None:
        """Write the page (.html) or the values (.json); the file is whole or not there.

        Raises
        ------
        ValueError
            a name that ends otherwise.
        """
        file = Path(file)
        if file.suffix not in (".html", ".json"):
            raise ValueError(f"{file} must end in .html or .json")
        text = self.html if file.suffix == ".html" else json.dumps(self.json, indent=1)
        with whole(file) as half:
            half.write_text(text, encoding="utf-8")

    def _repr_html_(self) -> str:
        inside = html.escape(self.html, quote=True)
        return (
            f'<iframe class="kit-report" title="report on a network" srcdoc="{inside}" '
            f'style="width:100%;height:40em;border:1px solid gray"></iframe>'
        )

    def __repr__(self):
        return "\n".join(self.first_lines)


def report(
    before: nn.Module,
    after: nn.Module,
    task: ForgetTask,
    *,
    retrained: Sequence[nn.Module] = (),
    sham: nn.Module | None = None,
    audits: Sequence[Audit] = tuple(AUDITS),
    about: Mapping[str, object] | None = None,
    seed: int = 0,
    store: str | Path | None = None,
) -> Report:
    """Report what a network still knows of what it was to forget.

    Parameters
    ----------
    before, after
        the network before and after the request.
    task
        the request.
    retrained
        networks that were trained without what is to be forgotten; with two and more their spread
        is shown.
    sham
        the network before after an update that forgets nothing; made by default
        (``kit.parts.sham``), as long as the method's where ``about`` says its cost, but at most
        200 steps; the report says how long.
    audits
        what to ask; ``kit.plots.report.AUDITS`` is the usual list.
    about
        more facts to show first, such as the method and the files of the weights.
    store
        folder where finished audits are kept; an interrupted report goes on from there.

    Raises
    ------
    ValueError
        a network that does not fit the data, a request that forgets a feature.
    """
    if task.level == "feature":
        raise ValueError("the report is for classes and pictures; kit.evaluate judges features")
    for network in (before, after, *retrained):
        check_model(network, task.test)
    about = dict(about or {})
    if sham is None:
        steps = _steps(about, task)
        sham = sham_update(before, task, steps=steps, batch_size=BATCH, lr=RATE, seed=seed)
        about["sham update"] = f"{steps} steps of {BATCH} pictures, Adam at {RATE}"
    networks = Networks(before, after, sham, tuple(retrained))
    folder = None if store is None else Path(store)
    prints = fingerprints(networks, task) if folder else None
    with explained():
        findings = [
            stored(audit, networks, task, seed, folder, prints)
            for audit in progress(audits, "auditing")
            if task.level in audit.levels
        ]
        mask = _mask(networks, task)
    found = {finding.name: finding for finding in findings}
    facts = _facts(task, networks) | about | {"mask": mask}
    beside = len(networks.retrained)
    lines = first_lines(task, found, mask, beside)
    return Report(facts, lines, findings, statements(task, found, beside))


def _mask(networks: Networks, task: ForgetTask) -> dict[str, float]:
    if task.level == "class":
        return masking(networks.before, networks.after, task)
    return {}


def _steps(about: Mapping[str, object], task: ForgetTask) -> int:
    """As many batches as the method took, at least one and not more than a user would wait for."""
    method = about.get("method")
    passes = method.get("passes") or {} if isinstance(method, Mapping) else {}
    backward = sum(count for kind, count in passes.items() if kind.endswith("backward"))
    images = backward or len(task.train)
    return max(1, min(MOST_STEPS, math.ceil(images / BATCH)))


def _facts(task: ForgetTask, networks: Networks) -> dict:
    """What every report can say of its request, data and networks."""
    data = task.data
    what = f"{len(task.forget)} pictures"
    if task.level == "class":
        what = f"{asked(task)}: {len(task.forget)} training pictures"
    named = data.train_files if task.level == "sample" else ()
    files = [Path(named[row]) for row in task.forget.rows.tolist()[:MOST_FILES] if named]
    listed = ", ".join("/".join(file.parts[-2:]) for file in files)
    return {
        "date": f"{date.today():%Y-%m-%d}",
        "request": f"forget {what}",
        "pictures": listed,
        "network": getattr(networks.before, "name", type(networks.before).__name__),
        "data": {
            "name": data.name, "training pictures": len(task.train),
            "test pictures": len(task.test), "classes": data.num_classes,
            "side in pixels": data.image_size, "fingerprint": data.fingerprint,
        },
        "weights": {
            name: {"sha256 of the tensors": state_hash(network)}
            for name, network in networks.named().items()
        },
    }  # fmt: skip
