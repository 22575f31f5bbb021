"""``load``: every data set by its name."""

import pytest

import kit
from kit.datasets import fashion_mnist

SHIP = {"fashion-mnist-mini", "caltech-mini"}
FETCHED = {
    "fashion-mnist", "cifar10", "cifar100", "caltech256", "celeba", "svhn", "omniglot-small",
    "imagenette",
}  # fmt: skip
ARCHIVES = {
    "caltech101-128": "caltech101_128.tar",
    "celeba-46715": "celeba46715_64.tar",
    "faces50": "celeba_50faces_150.tar",
    "imagenette-128": "imagenette_128.tar",
    "imagewoof-128": "imagewoof_128.tar",
    "orl-faces": "orl_faces_32.npz",
    "tinyimagenet100-jpeg": "tinyimagenet100_32.tar",
}
THREE_WAYS = r"(?s)\(1\).*\(2\).*\(3\) set KIT_DATA"


@pytest.mark.parametrize("name", sorted(FETCHED))
def test_absent_data_names_three_ways(tmp_path, monkeypatch, name):
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path)
    with pytest.raises(FileNotFoundError, match=THREE_WAYS) as error:
        kit.datasets.load(name, root=tmp_path)
    assert "download=True" in str(error.value)


@pytest.mark.parametrize("name", sorted(set(kit.datasets.names()) - SHIP - FETCHED))
@pytest.mark.parametrize("download", [False, True])
def test_what_cannot_be_fetched_says_so(tmp_path, name, download):
    with pytest.raises(FileNotFoundError, match=THREE_WAYS) as error:
        kit.datasets.load(name, root=tmp_path, download=download)
    assert "cannot be downloaded" in str(error.value)


@pytest.mark.parametrize(("name", "archive"), sorted(ARCHIVES.items()))
def test_an_archive_that_is_not_there_is_named(tmp_path, name, archive):
    with pytest.raises(FileNotFoundError, match=f"looked in .*{tmp_path / archive}\\)"):
        kit.datasets.load(name, root=tmp_path)


def test_unknown_data_set():
    with pytest.raises(ValueError, match="unknown data set 'mnist'.*fashion-mnist-mini"):
        kit.datasets.load("mnist")
