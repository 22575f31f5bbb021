"""``run``: the loop that runs what an experiment asks for and has no record yet."""

from pathlib import Path
from types import ModuleType

from torch import nn

from kit import datasets
from kit.datasets import ImageData
from kit.experiments import by_shadows, feature, federated, mixed, one, results, sequential
from kit.experiments.experiment import Experiment, Run
from kit.models.pretrained import PRETRAINED, pretrained
from kit.runtime.device import device
from kit.runtime.progress import progress
from kit.training.below import activations
from kit.training.profiles import profile

# Each has request(experiment, data, classes), config(experiment, arm) and measure(run, root).
FILES: dict[str, ModuleType] = {
    "one": one,
    "feature": feature,
    "shadows": by_shadows,
    "mixed": mixed,
    "federation": federated,
    "sequential": sequential,
}


def run(experiment: Experiment, root: Path | None = None) -> int:
    """Run what has no record yet; a run that was interrupted is repeated, a finished one is not.

    Several processes may share an experiment: none repeats what another has finished meanwhile.

    Returns
    -------
    the number of new records.

    Raises
    ------
    ValueError
        what the experiment asks for does not exist, or a record of its name is of something else.
    FloatingPointError
        after all other runs: the runs that diverged, which have no record.
    """
    root = root or results.records_root()
    kind = FILES[experiment.kind]
    device()  # one that is not there is refused before anything runs
    for arm in experiment.runs:
        kind.config(experiment, arm)
    planned = runs(experiment, *network(experiment, images(experiment)))
    for asked in planned:
        if experiment.kind in ("one", "feature", "sequential") and asked.request.task is not None:
            one.check(experiment, asked.arm, asked.request.task)
    todo = [asked for asked in planned if not asked.recorded(root)]
    diverged = []
    for asked in progress(todo, experiment.name):
        if asked.recorded(root):
            continue
        try:
            outcome = kind.measure(asked, root)
        except FloatingPointError as error:
            which = f"{asked.arm} on {asked.request.name}, seed {asked.seed}"
            diverged.append(f"  {which}: {error}")
            continue
        results.write(asked.record(outcome), root)
    if diverged:
        count = f"{len(diverged)} of {len(todo)} runs diverged, the others are kept:"
        raise FloatingPointError("\n".join([f"{experiment.name}: {count}", *diverged]))
    return len(todo)


def images(experiment: Experiment) -> ImageData:
    """The data set that the experiment runs on."""
    name = experiment.dataset or profile(experiment.profile).dataset
    data = datasets.load(name, root=experiment.root or None)
    if experiment.image_size:
        data = data.resized(experiment.image_size)
    if experiment.share != 1:
        data = data.thinned(experiment.share)
    if experiment.held_out:
        data = data.held_out(experiment.held_out)
    return data


def network(experiment: Experiment, data: ImageData) -> tuple[ImageData, nn.Module | None]:
    """A pretrained network, if the experiment names one, behind the data that it takes."""
    name, options = experiment.network
    if name not in PRETRAINED:
        return data, None
    above, activation = options.pop("above", ""), options.pop("activation", "relu")
    if not above:
        return data, pretrained(name, data, activation=activation, **options)
    model, seen = activations(pretrained(name, data, **options), data, above, activation=activation)
    return seen, model


def runs(experiment: Experiment, data: ImageData, model: nn.Module | None = None) -> list[Run]:
    """All runs: by seed, then request, then arm."""
    kind = FILES[experiment.kind]
    requests = [kind.request(experiment, data, classes) for classes in experiment.forget]
    return [
        Run(experiment, data, request, seed, arm, model)
        for seed in experiment.seeds
        for request in requests
        for arm in experiment.runs
    ]
