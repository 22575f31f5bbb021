"""Records, the cache of trained models, experiments and the command line."""

import dataclasses
import json
import math
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

import kit
from kit.__main__ import main
from kit.experiments import results
from kit.experiments import run as experiments
from kit.experiments.experiment import Experiment
from kit.plots import sources
from kit.training import cache
from kit.training.watch import watch
from tests.conftest import TOY_RECIPE, toy_data

RECIPE = dataclasses.replace(TOY_RECIPE, epochs=1)


def record(task, original, **changes):
    out = kit.unlearn("logit_mask", original, task)
    metrics = {"retain_accuracy": 0.9, "relearn_steps": math.inf, "anamnesis_index": math.nan}
    return (
        results.make(out, task, metrics, experiment="test", model="resnet8", recipe=RECIPE)
        | changes
    )


# --- records


def test_record_and_back(tmp_path, task, original):
    written = record(task, original)
    file = results.write(written, tmp_path)
    assert json.loads(file.read_text()) == written and list(tmp_path.iterdir()) == [file]
    table = results.read("test", tmp_path)
    assert table.loc[0, "relearn_steps"] == math.inf and math.isnan(table.loc[0, "anamnesis_index"])
    assert table.loc[0, "task"] == "class:1" and table.loc[0, "backward"] == 0


def test_records_refuse(tmp_path, task, original):
    good = record(task, original)
    with pytest.raises(ValueError, match="absent .*commit"):
        results.write({k: v for k, v in good.items() if k != "commit"}, tmp_path)
    with pytest.raises(ValueError, match="seed must be int"):
        results.write(good | {"seed": "0"}, tmp_path)
    with pytest.raises(ValueError, match="schema 99"):
        results.write(good | {"schema": 99}, tmp_path)
    with pytest.raises(ValueError, match="no records of experiment 'nothing'"):
        results.read("nothing", tmp_path)
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ValueError, match="broken.json is not a valid record"):
        results.read(root=tmp_path)
    results.write(good, tmp_path)
    assert len(results.read("test", tmp_path)) == 1  # other experiments' files are not opened


def test_summary_by_hand():
    table = pd.DataFrame({"arm": ["a", "a", "b"], "x": [1.0, 3.0, 5.0]})
    out = results.summary(table, ["arm"], ["x"])
    assert out.loc["a", ("x", "mean")] == 2 and out.loc["a", ("x", "sd")] == pytest.approx(2**0.5)
    assert out["n"].tolist() == [2, 1]


def test_mean_sd_by_hand():
    table = pd.DataFrame({"arm": ["a", "a", "b", "c"], "x": [0.1, 0.3, 0.5, float("nan")]})
    groups = table.groupby("arm")[["x"]]
    assert results.mean_sd(groups)["x"].tolist() == ["20.0\u00a0±\u00a014.1", "50.0", ""]
    assert results.mean_sd(groups, "{:.2f}", times=1)["x"].tolist()[0] == "0.20\u00a0±\u00a00.14"


def test_outline_by_hand():
    def run(arm, seed, accuracy, task="class:3"):
        return {"id": f"x_toy_net_{arm}_{task.replace(':', '')}_s{seed}", "experiment": "x",
                "dataset": "toy", "model": "net", "task": task, "method": arm.split("_")[0],
                "variant": "", "seed": seed, "device": "a card", "date": f"2026-01-0{seed + 1}T0",
                "seconds": 1.0, "retain_accuracy": accuracy}  # fmt: skip

    runs = pd.DataFrame([run("mask_default", 0, 0.5), run("mask_default", 1, 0.7),
                         run("tune_lr=1,steps=2", 0, 0.25)])  # fmt: skip
    rows = sources.outline(runs)
    assert rows.index.tolist() == ["mask", "tune lr=1, steps=2"]
    assert rows["retain_accuracy"].tolist() == ["60.0\u00a0±\u00a014.1", "25.0"]
    assert rows["seeds"].tolist() == [2, 1]
    assert sources.origin(runs) == "toy, net; a card; 2026-01-01 to 2026-01-02"
    runs["device"] = ["a chip, 1 threads", "a chip, 2 threads", "a card"]
    assert "; a card and a chip, 1 or 2 threads; " in sources.origin(runs)
    many = pd.concat([runs, pd.DataFrame([run("mask_default", 0, 0.5, "class:0+1+2+3+4")])])
    assert ("5 classes", "mask") in sources.outline(many).index


def test_larger_says_what_is_not_run(monkeypatch):
    said = []
    monkeypatch.setattr(sources.page, "say", said.append)
    sources.larger("nowhere", "unsir")
    assert "**unsir**: fashion-mnist-mini, resnet8" in said[0] and "`nowhere`" in said[1]


def test_sources_say_where_numbers_come_from(monkeypatch):
    shown = []
    monkeypatch.setattr(sources.page, "table", shown.append)
    sources.sources("unsir", "unsir_gaussian")
    table = shown[0]
    assert table.index.tolist() == ["unsir", "unsir_gaussian"]
    assert table.loc["unsir", ["data", "network", "seeds"]].tolist() == [
        "fashion-mnist-mini", "resnet8", "5",
    ]  # fmt: skip
    assert table.loc["unsir", "runs"] == 105 and table.loc["unsir", "date"].startswith("20")
    with pytest.raises(ValueError, match="no records of experiment 'nowhere'"):
        sources.sources("nowhere")


def test_every_committed_record_is_valid_and_has_a_birth_certificate():
    table = results.read()
    assert table["id"].is_unique
    assert (table["commit"].str.len() >= 12).all() and not table["commit"].str.contains(
        "+", regex=False
    ).any()
    names = {
        p.stem for p in (Path(kit.__file__).parent.parent / "results/experiments").glob("*.toml")
    }
    assert set(table["experiment"]) <= names
    by_shadows = table["shadows"].notna()  # many small models: attacked, not rated one by one
    mixed = table["experiment"].str.startswith("mixed_")  # rated by errors
    feature = table["experiment"].str.startswith("feature_")  # each attribute has its columns
    for metric in ("retain_accuracy", "forget_accuracy"):
        assert table.loc[~by_shadows & ~mixed & ~feature, metric].between(0, 1).all()
    flips = [c for c in table if c.endswith("flip_rate") and "filtered" not in c]
    assert table.loc[feature, flips].max(axis=1).between(0, 1).all()
    for metric in ("retain_error", "forget_error", "test_error"):
        assert table.loc[mixed, metric].between(0, 1).all()
    assert table.loc[by_shadows, ["auc", "forgetting_score"]].sum(axis=1).between(0, 1).all()
    assert (table.loc[by_shadows, ["auc", "klom_median"]].notna().sum(axis=1) == 1).all()


# --- the cache


@pytest.fixture
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    return tmp_path


def test_trained_once(cached, task, monkeypatch):
    first = kit.trained("resnet8", task, recipe=RECIPE, width=4)
    monkeypatch.setattr(cache, "fit", lambda *a, **k: pytest.fail("trained again"))
    again = kit.trained("resnet8", task, recipe=RECIPE, width=4)
    for p, q in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(p, q)
    assert again.training_history.loss == first.training_history.loss
    assert again.training_cost["passes"] == {"train_forward": 240, "train_backward": 240}


@pytest.mark.parametrize("change", [{"seed": 1}, {"on": "retain"}, {"width": 8},
                                    {"recipe": dataclasses.replace(RECIPE, lr=0.05)}])  # fmt: skip
def test_all_that_decides_the_weights_is_in_the_key(cached, task, change):
    options = {"recipe": RECIPE, "width": 4}
    kit.trained("resnet8", task, **options)
    kit.trained("resnet8", task, **options | change)
    assert len(list(cached.glob("*.pt"))) == 2


def test_cached_equals_fit(cached, task):
    model = kit.models.build("resnet8", task, width=4, seed=3)
    kit.fit(model, task.retain, RECIPE, seed=3)
    stored = kit.trained("resnet8", task, on="retain", seed=3, recipe=RECIPE, width=4)
    for p, q in zip(model.parameters(), stored.parameters(), strict=True):
        assert torch.equal(p, q)


def test_a_damaged_file_is_trained_again(cached, task):
    kit.trained("resnet8", task, recipe=RECIPE, width=4)
    (file,) = cached.glob("*.pt")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="damaged.*training again"):
        kit.trained("resnet8", task, recipe=RECIPE, width=4)


def train_in_child(folder):
    os.environ["KIT_CACHE"] = folder
    torch.set_num_threads(1)
    task = kit.tasks.forget_classes(toy_data(), [1])
    kit.trained("resnet8", task, recipe=RECIPE, width=4)


def test_two_processes_train_it_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=train_in_child, args=(str(tmp_path),)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert len(list(tmp_path.glob("*.pt"))) == 1 and not list(tmp_path.glob("*.tmp"))


def test_trained_refuses(task):
    with pytest.raises(ValueError, match='"retain" or "clean"'):
        kit.trained("resnet8", task, on="test")
    with pytest.raises(ValueError, match="no clean images"):
        kit.trained("resnet8", task, on="clean")


# --- experiments


@pytest.fixture
def experiment(cached, monkeypatch, data):
    monkeypatch.setattr(kit.datasets, "load", lambda *a, **k: data)
    return Experiment(
        name="toy", profile="quick", forget=[[1], [0, 2]], seeds=[0, 1],
        arms=[{"method": "original"}, {"method": "retrain"}, {"method": "logit_mask"},
              {"method": "finetune", "epochs": 1}],
        model={"name": "resnet8", "width": 4}, recipe={"epochs": 1, "augment": {}},
    )  # fmt: skip


def test_curves_and_short_retraining(experiment, tmp_path):
    asked = dataclasses.replace(
        experiment, forget=[[1]], seeds=[0], curves=True, recipe={"epochs": 2, "augment": {}},
        arms=[{"method": "original"}, {"method": "retrain"}, {"method": "retrain", "epochs": 1},
              {"method": "finetune", "epochs": 3}, {"method": "logit_mask"}],
    )  # fmt: skip
    experiments.run(asked, tmp_path)
    table = results.read("toy", tmp_path)
    lengths = [len(c.get("retain_accuracy", [])) for c in table["curves"]]
    assert dict(zip(table["id"], lengths, strict=True)) == {
        "toy_toy_resnet8_original_default_class1_s0": 2,
        "toy_toy_resnet8_retrain_default_class1_s0": 2,
        "toy_toy_resnet8_retrain_epochs=1_class1_s0": 1,
        "toy_toy_resnet8_finetune_epochs=3_class1_s0": 3,
        "toy_toy_resnet8_logit_mask_default_class1_s0": 0,
    }
    for _, row in table[table["method"] != "logit_mask"].iterrows():
        assert row["curves"]["retain_accuracy"][-1] == pytest.approx(row["retain_accuracy"])
        assert row["curves"]["forget_accuracy"][-1] == pytest.approx(row["forget_accuracy"])
    alone = table[table["id"].str.contains("retrain_default")].iloc[0]
    assert "distance_reference" not in alone.dropna()  # there is no other seed to compare with


def test_a_model_that_nobody_watched_is_trained_again(cached, task):
    options = {"width": 4, "recipe": TOY_RECIPE}
    first = kit.trained("resnet8", task, **options)
    with watch(lambda model: {"seen": 1.0}):
        again = kit.trained("resnet8", task, **options)
    assert not first.training_history.looks and len(again.training_history.looks) == 6
    assert all(
        torch.equal(p, q) for p, q in zip(first.parameters(), again.parameters(), strict=True)
    )


def test_mixed_experiments(experiment, tmp_path):
    arms = [
        {"method": "original", "layers": ["head"]},
        {"method": "retrain"},
        {"method": "mixed_privacy", "epochs": 1, "sigma": 0.1},
    ]
    asked = dataclasses.replace(
        experiment, forget=[[]], seeds=[0], arms=arms,
        mixed={"core": 100, "user": 80, "requests": 2, "request": 10, "path": True},
    )  # fmt: skip
    assert experiments.run(asked, tmp_path) == 3 and experiments.run(asked, tmp_path) == 0
    table = results.read("toy", tmp_path).set_index("method")
    assert set(table["task"]) == {"sample:20"}
    assert table.loc["original", "config.layers"] == ["head"]
    assert len(table.loc["mixed_privacy", "curves"]["distance"]) == 2
    assert table.loc["mixed_privacy", "backward"] == 2 * (70 + 60)  # two requests, a gradient and
    assert table.loc["retrain", "forget_distance"] == 0  # an epoch each
    with pytest.raises(ValueError, match="no method 'unsir'"):
        experiments.run(dataclasses.replace(asked, arms=[{"method": "unsir"}]), tmp_path)


def test_feature_experiments(experiment, tmp_path):
    arms = [{"method": name} for name in ("original", "retrain", "clean", "untrained")]
    arms += [{"method": "feature_sensitivity"}, {"method": "feature_adversarial", "epochs": 1}]
    asked = dataclasses.replace(
        experiment, forget=[[]], seeds=[0], arms=arms, model={"name": "cnn", "width": 4},
        recipe={"epochs": 1, "augment": {}},
        feature={"attribute": ["glyph", "tint"], "images": 200, "common": [0, 1]},
    )  # fmt: skip
    assert experiments.run(asked, tmp_path) == 6 and experiments.run(asked, tmp_path) == 0
    table = results.read("toy", tmp_path).set_index("method")
    assert set(table["task"]) == {"feature:glyph+tint"}
    assert table["glyph_flip_rate"].between(0, 1).all()
    filtered = table["tint_filtered_flip_rate"]
    assert filtered.notna().sum() == 1 and filtered["feature_adversarial"] <= 1
    assert table.loc["untrained", "seconds"] == 0 < table.loc["clean", "seconds"]


def test_federated_experiments(experiment, tmp_path):
    arms = [{"method": "original"}, {"method": "retrain"}, {"method": "class_pruning"}]
    asked = dataclasses.replace(
        experiment, forget=[[1]], seeds=[0], arms=arms,
        federation={"clients": 3, "rounds": 2, "tuning_rounds": 1, "plan": {"lr": 0.02}},
    )  # fmt: skip
    experiments.run(asked, tmp_path)
    table = results.read("toy", tmp_path).set_index("method")
    assert [
        len(c["retain_accuracy"]) for c in table.loc[["original", "class_pruning"], "curves"]
    ] == [2, 1]
    assert table.loc["class_pruning", "backward"] == 180  # the original's rounds are not its cost
    assert table.loc["retrain", "backward"] == 2 * 180
    with pytest.raises(ValueError, match="no method 'unsir'"):
        experiments.run(dataclasses.replace(asked, arms=[{"method": "unsir"}]), tmp_path)


def test_an_experiment_resumes_and_repeats_nothing(experiment, tmp_path, monkeypatch):
    root = tmp_path / "records"
    done = []
    write = results.write

    def killed_after_five(record, folder):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(record["id"])
        return write(record, folder)

    monkeypatch.setattr(results, "write", killed_after_five)
    with pytest.raises(KeyboardInterrupt):
        experiments.run(experiment, root)
    monkeypatch.setattr(results, "write", write)
    assert experiments.run(experiment, root) == 16 - 5
    assert experiments.run(experiment, root) == 0
    table = results.read("toy", root)
    assert len(table) == 16 and set(table["task"]) == {"class:1", "class:0+2"}
    retrain = table[table["method"] == "retrain"]
    # The retrained model is judged against another draw, not against itself.
    assert (retrain["distance_reference"] > 0).all() and (retrain["seconds"] > 0).all()


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


def test_experiments_by_shadow_models(experiment, tmp_path):
    """Both layouts; what was done before an error is kept, and bad settings are named."""
    root = tmp_path / "records"
    shadowed = dataclasses.replace(
        experiment, seeds=[0], forget=[[1], []], model={"name": "lenet", "width": 4},
        arms=[{"method": "original"}, {"method": "finetune", "epochs": 1}],
        recipe={"epochs": 1}, shadows={"layout": "halves", "count": 6, "per_class": 60},
    )  # fmt: skip
    with pytest.raises(ValueError, match="quarter of the targets"):  # the toy is too small for []
        experiments.run(shadowed, root)
    by_class = dataclasses.replace(shadowed, forget=[[1]])
    assert experiments.run(by_class, root) == 0  # its runs came first and are kept
    repeats = {"layout": "repeats", "count": 4, "per_class": 20}
    arms = [{"method": "retrain"}, {"method": "logit_mask"}]
    again = dataclasses.replace(by_class, name="spread", arms=arms, shadows=repeats)
    assert experiments.run(again, root) == 2
    attacks, spreads = results.read("toy", root), results.read("spread", root)
    assert (attacks["auc_low"] <= attacks["auc"]).all() and (attacks["shadows"] == 6).all()
    assert attacks.set_index("method").loc["finetune", "config.epochs"] == 1
    assert {"klom_median", "klom_median_null", "forgetting_score"} <= set(spreads)
    with pytest.raises(ValueError, match="layout"):
        experiments.run(dataclasses.replace(again, name="x", shadows={"layout": "rows"}), root)


def test_experiment_files_are_checked(tmp_path):
    with pytest.raises(FileNotFoundError, match="no.toml is not there"):
        Experiment.load(tmp_path / "no.toml")
    file = tmp_path / "bad.toml"
    file.write_text("profile = ")
    with pytest.raises(ValueError, match="bad.toml is not an experiment"):
        Experiment.load(file)
    file.write_text('profile = "quick"\nsedes = [1]')
    with pytest.raises(ValueError, match="sedes"):
        Experiment.load(file)


def test_committed_experiments_load():
    for file in (Path(kit.__file__).parent.parent / "results" / "experiments").glob("*.toml"):
        loaded = Experiment.load(file)
        assert loaded.full_recipe.epochs > 0
        for arm in loaded.arms:
            loaded.config(arm)


# --- the command line


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


def test_unknown_command():
    done = subprocess.run([sys.executable, "-m", "kit", "fly"], capture_output=True, text=True)
    assert done.returncode == 2 and "invalid choice" in done.stderr


def test_record_names_suit_make():
    """A file name with a blank or a per cent sign breaks the Makefile's list of records."""
    name = results.record_id("e", "d", "m", "erwp", {"amount": "10 %"}, "class:1+2", 0)
    assert name == "e_d_m_erwp_amount=10pct_class1+2_s0"
    files = results.records_root().glob("*.json")
    assert not [f.name for f in files if " " in f.name or "%" in f.name]
