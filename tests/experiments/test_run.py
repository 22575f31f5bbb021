"""``run``: what is done is not done again."""

import pytest

from kit.experiments import results
from kit.experiments import run as experiments


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
