"""Shared fixtures: a toy task that trains in a second, and a cache of the tests' own."""

import copy
import os
import re
from pathlib import Path

import pytest
import torch

import kit
from kit.experiments.experiment import Experiment
from kit.methods.toy import (
    RECIPE,
    toy_feature_original,
    toy_feature_task,
    toy_original,
    toy_retrained,
    toy_task,
)
from kit.parts.mixed_linear import MixedLinear

os.environ["KIT_PROGRESS"] = "0"  # read when a bar is made
ROOT = Path(kit.__file__).parents[1]
TOY_RECIPE = RECIPE
SLOW_METHODS = ("feature_adversarial", "feature_filter", "mixed_privacy")  # their contracts are


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in a hook of its own
def pytest_collection_modifyitems(config, items):
    """Nightly tests run only where -m names them. With several workers (``make test``) those that
    share what they train stay together: a file's tests, the contracts of a method, all tests of
    user weights; and clusters run one at a time."""
    if "nightly" not in config.option.markexpr:  # in a hook: a -m in addopts would be overridden
        left_out = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        group = str(item.path.relative_to(config.rootpath))
        if item.path.stem == "test_contracts" and "name" in item.fixturenames:
            group = item.callspec.params["name"]
            if group in SLOW_METHODS:
                item.add_marker(pytest.mark.slow)
        elif item.get_closest_marker("cluster"):
            group = "clusters"
        elif "user_core" in item.fixturenames:
            group = "user weights"
        item.add_marker(pytest.mark.xdist_group(group))


# --- networks on toy images


@pytest.fixture(scope="session")
def data(task):
    return task.data


@pytest.fixture(scope="session")
def task():
    return toy_task()


@pytest.fixture(scope="session")
def original():
    return toy_original()


@pytest.fixture(scope="session")
def retrained():
    return toy_retrained()


@pytest.fixture(scope="session")
def feature_task():
    return toy_feature_task()


@pytest.fixture(scope="session")
def feature_original():
    return toy_feature_original()


def same(one, other):
    """Whether two networks have the same weights and statistics, to the last bit."""
    return not changed(one.state_dict(), other)


def changed(state, module):
    return any(not torch.equal(v, module.state_dict()[k]) for k, v in state.items())


def largest_difference(one, other):
    mine, theirs = one.state_dict(), other.state_dict()
    return max((mine[k].float() - theirs[k].float()).abs().max().item() for k in mine)


# --- user weights on a core


REQUESTS = [range(1, 41, 2), range(41, 81, 2), range(81, 121, 2)]  # rows of the user's data


@pytest.fixture(scope="session")
def user_core(data):
    """Trained on half of the images, which need never be forgotten."""
    task = kit.tasks.forget_classes(data, [1], within=range(0, 240, 2))
    model = kit.models.build("resnet8", data, width=4, activation="leaky_relu")
    kit.fit(model, task.train, kit.Recipe(epochs=3, batch_size=32, lr=0.1, bf16=False))
    return model


@pytest.fixture(scope="session")
def user_task(data):
    return kit.tasks.forget_samples(data, REQUESTS[0], within=range(1, 240, 2))


@pytest.fixture(scope="session")
def user_original(user_core, user_task):
    return learnt(user_core, user_task.train)


@pytest.fixture(scope="session")
def user_retrained(user_core, user_task):
    return learnt(user_core, user_task.retain)


def mixed(core, **options):
    return MixedLinear(copy.deepcopy(core), **{"penalty": 1e-2, **options})


def learnt(core, split):
    model = mixed(core)
    model.learn(split, tolerance=1e-7, max_steps=500)
    return model


def distance(one, other):
    one, other = one.user.detach(), other.user.detach()
    return float((one - other).norm() / other.norm())


# --- what nobody else can find


ABSOLUTE = re.compile(r"(?<![\w.~/+=-])(?:/(?:tmp|home|root|work|Users)\b|C:\\)")


def elsewhere(what) -> list[str]:
    """The texts, of all that a JSON file holds or of one, in which a folder of a machine is named;
    pictures are no texts."""
    if isinstance(what, str):
        text = re.sub(r"base64,[\w+/=]+", "", what)
        return [text] if ABSOLUTE.search(text) else []
    if isinstance(what, dict):
        what = [value for key, value in what.items() if not key.startswith("image/")]
    return [text for part in what for text in elsewhere(part)] if isinstance(what, list) else []


# --- where things are kept, and what runs


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """The folder of an empty cache of trained networks."""
    monkeypatch.setenv("KIT_CACHE", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def experiment(cached, monkeypatch, data):
    """Two requests, two seeds, four arms on toy images."""
    monkeypatch.setattr(kit.datasets, "load", lambda *a, **k: data)
    return Experiment(
        name="toy", profile="quick", forget=[[1], [0, 2]], seeds=[0, 1],
        arms=[{"method": "original"}, {"method": "retrain"}, {"method": "logit_mask"},
              {"method": "finetune", "epochs": 1}],
        model={"name": "resnet8", "width": 4}, recipe={"epochs": 1, "augment": {}},
    )  # fmt: skip


@pytest.fixture
def refused(capsys):
    """Calls the ``main`` of a command, which must refuse its arguments, and gives what it says."""

    def call(main, *arguments):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        assert status == 2
        return capsys.readouterr().err

    return call


@pytest.fixture
def one_thread():
    """As workers have one: the sums of two threads differ in the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# --- clusters


@pytest.fixture(scope="session")
def dask_cluster(tmp_path_factory):
    """One for all tests; each connects to it."""
    dask = pytest.importorskip("dask.distributed", reason="the extra [scale] is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_CACHE", str(tmp_path_factory.mktemp("dask")))
        cluster = dask.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster:
        yield cluster


@pytest.fixture(scope="session")
def ray_cluster(tmp_path_factory):
    """The address of one for all tests; each connects to it."""
    utils = pytest.importorskip("ray.cluster_utils", reason="the extra [scale] is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_CACHE", str(tmp_path_factory.mktemp("ray")))
        patch.setenv("RAY_worker_niceness", "0")  # else a busy machine starves the workers
        options = {"num_cpus": 2, "include_dashboard": False}
        cluster = utils.Cluster(initialize_head=True, head_node_args=options)
    yield cluster.address
    cluster.shutdown()
