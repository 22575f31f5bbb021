"""A training that is interrupted goes on, and ends as if it had not been."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

import kit
from kit.runtime.cost import measure
from kit.training.augment import Augment


@pytest.fixture
def task():
    data = kit.datasets.load("fashion-mnist-mini").thinned(0.02)
    return kit.tasks.forget_classes(data, [3])


RECIPE = kit.Recipe(epochs=4, lr=0.1, batch_size=32, augment=Augment(crop=1, flip=True))


def dropping(task):
    net = kit.models.build("lenet", task, seed=1)
    return torch.nn.Sequential(torch.nn.Dropout(0.1), net)


class Stop(Exception):
    pass


def interrupted(model, task, file, after):
    """Train until so many steps are done, then break off."""

    def stop(step):
        if step == after:
            raise Stop

    with pytest.raises(Stop):
        kit.fit(model, task.train, RECIPE, resume=file, after_step=stop)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("after", [3, 8, 15, 24])  # seven steps an epoch
def test_the_weights_are_those_of_one_sitting(task, tmp_path, monkeypatch, optimizer, after):
    monkeypatch.setitem(globals(), "RECIPE", replace(RECIPE, optimizer=optimizer, lr=0.01))
    whole, parts = dropping(task), dropping(task)
    expected = kit.fit(whole, task.train, RECIPE)
    interrupted(parts, task, tmp_path / "a.part", after)
    again = dropping(task)  # a new process knows nothing of the old network
    with measure() as meter:
        history = kit.fit(again, task.train, RECIPE, resume=tmp_path / "a.part")
    for (name, one), other in zip(
        whole.state_dict().items(), again.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    assert history.loss == expected.loss and history.steps == expected.steps == 28
    assert meter.passes["train_forward"] == 4 * len(task.train)


def test_seconds_of_all_sittings_count(task, tmp_path):
    interrupted(dropping(task), task, tmp_path / "a.part", 8)
    kept = torch.load(tmp_path / "a.part", weights_only=True)
    kept["history"]["seconds"] = 1000.0
    torch.save(kept, tmp_path / "a.part")
    assert kit.fit(dropping(task), task.train, RECIPE, resume=tmp_path / "a.part").seconds > 1000


@pytest.mark.parametrize("change", [{"recipe": replace(RECIPE, lr=0.2)}, {"seed": 1}, "damaged"])
def test_another_training_is_not_taken_up(task, tmp_path, change):
    file = tmp_path / "a.part"
    interrupted(dropping(task), task, file, 20)
    if change == "damaged":
        file.write_bytes(file.read_bytes()[:1000])
        change = {}
    settings = {"recipe": RECIPE, "seed": 0} | change
    fresh, expected = dropping(task), dropping(task)
    kit.fit(expected, task.train, settings["recipe"], seed=settings["seed"])
    with pytest.warns(UserWarning, match="a.part is not used .*; training anew"):
        kit.fit(fresh, task.train, settings["recipe"], seed=settings["seed"], resume=file)
    assert torch.equal(fresh[1].head.weight, expected[1].head.weight)


def test_a_training_that_was_stopped_on_purpose_stays_stopped(task, tmp_path):
    file, seen = tmp_path / "a.part", []
    for _ in range(2):
        model = dropping(task)
        seen.append(kit.fit(model, task.train, RECIPE, resume=file, after_step=lambda n: n == 9))
    assert [history.steps for history in seen] == [9, 9] and len(seen[1].loss) == 2


SCRIPT = """
import kit
from kit.training import Recipe
data = kit.datasets.load("fashion-mnist-mini").thinned(0.05)
task = kit.tasks.forget_classes(data, [3])
model = kit.trained("lenet", task, recipe=Recipe(epochs=200, lr=0.01))
cost, total = model.training_cost["passes"], float(model.head.weight.sum())
print(len(model.training_history.loss), cost, total)
"""


@pytest.mark.slow
def test_a_killed_process_goes_on(tmp_path):
    def start(cache):
        environment = os.environ | {"KIT_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT], env=environment, stdout=subprocess.PIPE, text=True
        )

    first = start(tmp_path / "one")
    while not list((tmp_path / "one").glob("*.part")):
        assert first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    said = [start(tmp_path / cache) for cache in ("one", "two")]
    one, two = (process.communicate()[0] for process in said)
    assert one == two and one.startswith("200 ")
    assert not list(tmp_path.rglob("*.part"))
