"""A method from outside the repository: installed, it is one of ``kit.methods`` like the others."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

METHOD = '''
"""Forget by fine-tuning, from another package.

Needs    all retained images.
Cost     a few passes over them.
"""

from dataclasses import dataclass

from kit.methods import Needs, TaskView, register
from kit.training import constant_rate, fit


@dataclass(frozen=True)
class Config:
    """``lr``: of SGD."""

    lr: float = 0.02


@register("outsider", level=("class",), needs=Needs(retain="all"), paper="", config=Config,
          toy={"lr": 0.1})
def outsider(model, view: TaskView, config: Config, seed: int) -> dict:
    """Continue training on what is retained."""
    return {"loss": fit(model, view.retain, constant_rate(6, config.lr, 32), seed=seed).loss}
'''
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
USE = """
import json, pathlib, sys
import kit
from kit.datasets.toy import toy_data
data = toy_data()
kit.methods.check("outsider")
task = kit.tasks.forget_classes(data, [1])
small = {"name": "resnet8", "width": 4}
recipe = kit.Recipe(epochs=1, batch_size=32, bf16=False)
done = kit.sweep(task, ["outsider"], seeds=1, model=small, recipe=recipe, audits="fast",
                 root=pathlib.Path(sys.argv[1]))
print(json.dumps([kit.methods.names(), sorted(done.records["method"]), done.failures]))
"""


def install(folder, name, source):
    """A package with one module, built as a wheel and installed by pip."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    parts = {
        f"{name}.py": source,
        f"{info}/METADATA": METADATA.format(name=name),
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": f"[did_it_really_forget.methods]\n{name} = {name}\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in parts.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in parts))
    target = folder / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
               "--target", str(target), str(wheel)]  # fmt: skip
    subprocess.run(command, check=True)
    return target


def python(site, cache, *arguments):
    environment = os.environ | {"PYTHONPATH": str(site), "KIT_CACHE": str(cache)}
    return subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_an_installed_method_is_one_of_all(tmp_path):
    site = install(tmp_path, "outsider", METHOD)
    done = python(site, tmp_path / "cache", "-c", USE, tmp_path / "records")
    assert done.returncode == 0, done.stderr
    names, ran, failures = json.loads(done.stdout.splitlines()[-1])
    assert "outsider" in names and "unsir" in names
    assert ran == ["original", "outsider", "retrain"] and not failures
    listed = python(site, tmp_path / "cache", "-m", "kit", "list")
    assert "outsider" in listed.stdout


@pytest.mark.slow
def test_a_broken_one_does_not_take_the_others_along(tmp_path):
    site = install(tmp_path, "stranger", "raise ImportError('no such thing')\n")
    done = python(site, tmp_path, "-c", "import kit; print(len(kit.methods.names()))")
    assert done.returncode == 0 and int(done.stdout) >= 22
    assert "stranger, a method from outside, is left out: no such thing" in done.stderr
