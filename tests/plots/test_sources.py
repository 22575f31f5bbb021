"""Where numbers come from."""

import pandas as pd
import pytest

from kit.plots import sources


def test_outline_by_hand():
    def run(arm, seed, accuracy, task="class:3"):
        return {"experiment": "x", "dataset": "toy", "model": "net", "task": task, "arm": arm,
                "seed": seed, "device": "a card", "date": f"2026-01-0{seed + 1}T0",
                "seconds": 1.0, "retain_accuracy": accuracy}  # fmt: skip

    runs = pd.DataFrame([run("mask", 0, 0.5), run("mask", 1, 0.7),
                         run("tune lr=1, steps=2", 0, 0.25)])  # fmt: skip
    rows = sources.outline(runs)
    assert rows.index.tolist() == ["mask", "tune lr=1, steps=2"]
    assert rows["retain_accuracy"].tolist() == ["60.0\u00a0±\u00a014.1", "25.0"]
    assert rows["seeds"].tolist() == [2, 1]
    assert sources.origin(runs) == "toy, net; a card; 2026-01-01 to 2026-01-02"
    runs["device"] = ["a chip, 1 threads", "a chip, 2 threads", "a card"]
    assert "; a card and a chip, 1 or 2 threads; " in sources.origin(runs)
    many = pd.concat([runs, pd.DataFrame([run("mask", 0, 0.5, "class:0+1+2+3+4")])])
    assert ("5 classes", "mask") in sources.outline(many).index


def test_larger_says_what_is_not_run(monkeypatch):
    said = []
    monkeypatch.setattr(sources.page, "say", said.append)
    sources.larger("nowhere", "unsir")
    assert (
        said[0].startswith("**unsir**\n- fashion-mnist-mini, resnet8\n- ")
        and "`nowhere`" in said[1]
    )


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
