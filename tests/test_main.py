"""The command line."""

import dataclasses
import os
import subprocess
import sys

import pandas as pd
import pytest

import kit
from kit.__main__ import main
from kit.datasets.toy import toy_data
from kit.experiments import results
from kit.experiments.experiment import Experiment
from kit.experiments.sweep import Sweep
from kit.metrics.evaluate import AUDITS
from tests.conftest import ROOT


def test_list(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert "unsir" in out and "1000 per class" in out and "omniglot-small" in out


def test_table(capsys):
    assert main(["table", "mixed_choices"]) == 0
    assert "forget_error" in capsys.readouterr().out
    assert main(["table", "unsir"]) == 0
    assert "retain_accuracy" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["run", "no.toml"], "no.toml is not there"),
        (["table", "nothing"], "no records of experiment 'nothing'"),
        (["data", "mnist"], "unknown data set 'mnist'"),
    ],
)
def test_wrong_arguments(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_a_download_without_a_network_is_one_line(tmp_path, monkeypatch, capsys):
    def no_network(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("kit.datasets.load", no_network)
    assert main(["data", "cifar10", "--root", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "kit: no route to host\n"


def test_unknown_command(refused):
    assert "invalid choice" in refused(main, "fly")


def test_help_answers_without_torch():
    code = (
        "import runpy, sys; sys.argv = ['kit', '--help']; runpy.run_module('kit', {}, '__main__')"
    )
    watched = f"import atexit, sys; atexit.register(lambda: print('torch' in sys.modules)); {code}"
    done = subprocess.run([sys.executable, "-c", watched], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and "run experiment files" in done.stdout
    assert done.stdout.endswith("False\n")


def test_a_diverged_run_does_not_end_an_experiment(experiment, tmp_path, monkeypatch, capsys):
    wild = {"method": "finetune", "lr": 1e12, "epochs": 3}
    asked = dataclasses.replace(
        experiment, forget=[[1]], seeds=[0], arms=[wild, {"method": "logit_mask"}]
    )
    monkeypatch.setattr(Experiment, "load", lambda file: asked)
    monkeypatch.setattr(results, "records_root", lambda: tmp_path)
    assert main(["run", "toy.toml", "toy.toml"]) == 3  # both files are run
    error = capsys.readouterr().err
    assert "toy: 1 of 2 runs diverged" in error and "toy: 1 of 1 runs diverged" in error
    assert "finetune" in error and "lower the learning rate" in error
    assert results.read("toy", tmp_path)["method"].tolist() == ["logit_mask"]


def test_one_bad_experiment_file_stops_a_list_before_it_runs(tmp_path, capsys):
    (tmp_path / "good.toml").write_text(
        'profile = "quick"\nforget = [[3]]\nseeds = [0]\narms = []\n'
    )
    (tmp_path / "bad.toml").write_text("profile = ")
    files = [tmp_path / "good.toml", tmp_path / "bad.toml"]
    assert main(["run", *map(str, files)]) == 2
    said = capsys.readouterr()
    assert "bad.toml is not an experiment" in said.err and "good" not in said.out


def test_the_command_sweeps(cached, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(kit.datasets, "load", lambda *a, **k: toy_data())
    command = ["sweep", "--task", "class:1", "--methods", "logit_mask", "--seeds", "1", "--audits",
               "fast", "--model", "lenet", "--records", str(tmp_path)]  # fmt: skip
    assert main(command) == 0
    assert "logit_mask" in capsys.readouterr().out and len(list(tmp_path.glob("*.json"))) == 3


def test_the_command_lists_what_failed(monkeypatch, capsys):
    failed = Sweep(pd.DataFrame(), {"toy_scrub": "FloatingPointError: diverged"})
    monkeypatch.setattr("kit.experiments.sweep.sweep", lambda *a, **k: failed)
    monkeypatch.setattr(kit.datasets, "load", lambda *a, **k: toy_data())
    assert main(["sweep", "--task", "class:1"]) == 3
    assert "1 runs failed, the others are kept:\n  toy_scrub" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--task", "class"], "write class:3"),
        (["--task", "class:77"], "do not exist"),
        (["--task", "sample:-3"], "count must lie in 1..10000 images, got -3"),
        (["--task", "sample:10001"], "count must lie in 1..10000"),
        (["--task", "class:3", "--audits", "wild"], "audits must be one of fast, gap"),
        (["--task", "class:3", "--methods", "unsri"], "unknown method 'unsri'"),
        (["--task", "class:3", "--dataset", "mnist"], "unknown data set"),
        (["--task", "class:3", "--seeds", "0"], "at least one seed"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, message, capsys):
    assert main(["sweep", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_the_help_names_all_audits(capsys):
    """It is written by hand: naming them by import would load torch."""
    with pytest.raises(SystemExit):
        main(["sweep", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert f"{', '.join(AUDITS[:-1])} or {AUDITS[-1]}" in told


def test_an_interrupt_is_one_line(tmp_path, monkeypatch, capsys):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kit.experiments.run.run", stop)
    file = tmp_path / "one.toml"
    file.write_text('profile = "quick"\nforget = [[3]]\nseeds = [0]\narms = []\n')
    assert main(["run", str(file)]) == 130
    assert capsys.readouterr().err.startswith("kit: interrupted; finished work is kept")


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out == f"kit {kit.__version__}\n"


def test_another_package_of_the_name_is_said(monkeypatch, capsys):
    monkeypatch.setattr("kit.__main__.rival", lambda: "two packages")
    assert main(["list"]) == 0 and capsys.readouterr().err == "kit: two packages\n"


def test_the_list_is_in_columns(capsys):
    main(["list"])
    lines = [s for s in capsys.readouterr().out.splitlines() if s.startswith("method ")]
    assert len({line.index(" needs ") for line in lines}) == 1


def test_hostile_surroundings(tmp_path):
    """A folder with blanks and accents, the plainest locale, no home: one line each, or a table."""
    folder = tmp_path / "my tests é"
    folder.mkdir()
    file = folder / "ein versuch.toml"
    file.write_text('profile = "quick"\nforget = [[3]]\nseeds = [0]\narms = []\n# é\n')
    surroundings = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONPATH": str(ROOT),
                    "KIT_RECORDS": str(folder / "records"), "KIT_PROGRESS": "0"}  # fmt: skip

    def kit_says(*arguments, **more):
        command = [sys.executable, "-m", "kit", *map(str, arguments)]
        return subprocess.run(command, cwd=folder, env=surroundings | more, capture_output=True,
                              text=True)  # fmt: skip

    done = kit_says("run", file)
    assert done.returncode == 0 and "ein versuch: 0 new records" in done.stdout, done.stderr
    for arguments, more, sentence in (
        (
            ["sweep", "--task", "class:3", "--seeds", "1", "--methods", "logit_mask"],
            {"KIT_DEVICE": "gpu"},
            "KIT_DEVICE=gpu is no device",
        ),
        (
            ["sweep", "--task", "class:3", "--dataset", "cifar10-jpeg"],
            {"KIT_DATA": str(folder / "none")},
            "cifar10-jpeg is not on this machine",
        ),
        (["sweep", "--task", "sample:-3"], {}, "count must lie in 1.."),
        (["sweep", "--task", "sample:2.5"], {}, "cannot read the task 'sample:2.5'"),
        (["sweep", "--task", "class:"], {}, "cannot read the task 'class:'"),
        (["sweep", "--task", "class:3+3"], {}, "more than once"),
        (["sweep", "--task", "class:-1"], {}, "do not exist"),
    ):
        done = kit_says(*arguments, **more)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
        assert sentence in done.stderr
