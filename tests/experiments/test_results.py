"""Records: written, refused, read again."""

import dataclasses
import json
import math
import shutil

import pandas as pd
import pytest

import kit
from kit.experiments import results
from tests.conftest import ROOT, TOY_RECIPE, elsewhere

RECIPE = dataclasses.replace(TOY_RECIPE, epochs=1)


def record(task, original, **changes):
    out = kit.unlearn("logit_mask", original, task)
    metrics = {"retain_accuracy": 0.9, "relearn_steps": math.inf, "anamnesis_index": math.nan}
    return (
        results.make(out, task, metrics, experiment="test", model="resnet8", recipe=RECIPE)
        | changes
    )


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


def test_no_committed_record_names_a_folder_of_a_machine():
    named = {file.name for file in results.records_root().glob("*.json")
             if elsewhere(json.loads(file.read_text()))}  # fmt: skip
    assert not named, f"{len(named)} records name an absolute path, the first {min(named)}"


def test_every_committed_record_is_valid_and_has_a_birth_certificate():
    table = results.read()
    assert table["id"].is_unique
    assert (table["commit"].str.len() >= 12).all() and not table["commit"].str.contains(
        "+", regex=False
    ).any()
    names = {p.stem for p in (ROOT / "results/experiments").glob("*.toml")}
    assert set(table["experiment"]) <= names
    by_shadows = table["shadows"].notna()  # many small models: attacked, not rated one by one
    mixed = table["experiment"].str.startswith("mixed_")  # rated by errors
    feature = table["experiment"].str.startswith("feature_")  # each attribute has its columns
    for metric in ("retain_accuracy", "forget_accuracy"):
        assert table.loc[~by_shadows & ~mixed & ~feature, metric].between(0, 1).all()
    flips = [c for c in table if c.endswith("flip_rate") and "filtered" not in c]
    photographs = table["dataset"].str.startswith("celeba")  # no twin of them lacks the feature
    assert table.loc[feature & ~photographs, flips].max(axis=1).between(0, 1).all()
    assert table.loc[feature & photographs, "balanced_accuracy"].between(0, 1).all()
    for metric in ("retain_error", "forget_error", "test_error"):
        assert table.loc[mixed, metric].between(0, 1).all()
    assert table.loc[by_shadows, ["auc", "forgetting_score"]].sum(axis=1).between(0, 1).all()
    assert (table.loc[by_shadows, ["auc", "klom_median"]].notna().sum(axis=1) == 1).all()


def test_records_of_an_installed_package_go_to_the_users_folder(tmp_path, monkeypatch):
    installed = tmp_path / "site-packages" / "kit"
    (installed / "records").mkdir(parents=True)
    shipped = next(results.records_root().glob("unsir_*.json"))
    shutil.copy(shipped, installed / "records")
    monkeypatch.setattr(results, "PACKAGE", installed)
    monkeypatch.chdir(tmp_path)
    assert results.records_root() == tmp_path / "results" / "records"
    assert [r["id"] for r in results.records()] == [shipped.stem]  # what came with it is read
    own = results.load(shipped) | {"seconds": 7.0}
    assert results.write(own).parent == tmp_path / "results" / "records"
    assert [r["seconds"] for r in results.records()] == [7.0]  # one's own goes before
    monkeypatch.setenv("KIT_RECORDS", str(tmp_path / "mine"))
    assert results.write(own).parent == tmp_path / "mine"
