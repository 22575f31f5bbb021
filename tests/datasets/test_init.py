"""``load``: every data set by its name."""

import pytest

import kit
from kit.datasets import fashion_mnist


@pytest.mark.parametrize("name", [n for n in kit.datasets.names() if n != "fashion-mnist-mini"])
def test_absent_data_names_three_ways(tmp_path, monkeypatch, name):
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"\(1\).*download=True.*\(2\).*\(3\) set KIT_DATA"):
        kit.datasets.load(name, root=tmp_path)


def test_unknown_data_set():
    with pytest.raises(ValueError, match="unknown data set 'mnist'.*fashion-mnist-mini"):
        kit.datasets.load("mnist")
