"""The whole report."""

import copy
import json

import pytest
import torch

import kit
from kit.plots.report import AUDITS
from kit.plots.report.document import _steps
from tests.conftest import same
from tests.metrics.inside.test_masking import Wrapper
from tests.plots.report.conftest import an_audit


def test_it_holds_every_audit_of_every_network(full):
    assert [finding.name for finding in full.findings] == [audit.name for audit in AUDITS]
    rows = ["before", "after", "sham update", "retrained 1", "retrained 2"]
    assert all(list(finding.rows) == rows for finding in full.findings)
    assert all(f.reference["count"] == 2 for f in full.findings)
    values = {f.name: f.value for f in full.findings}
    assert values["forgotten_accuracy"]("before") > 0.9 > values["forgotten_accuracy"]("after")
    assert values["forgotten_accuracy"]("retrained 1") == 0
    assert values["answers_changed"]("after") < 1e-4 < values["answers_changed"]("retrained 1")
    assert values["still_apart"]("after") == values["still_apart"]("before")


def test_a_new_audit_needs_no_change(quick):
    audit, _ = an_audit("weather", [0.25, 0.5, 0.75], null=0.1)
    found = quick(audits=[*AUDITS[:1], audit])
    assert "What does weather say?" in found.html and "It is made up." in found.html
    values = found.json["findings"][1]
    assert values["name"] == "weather" and values["rows"]["after"]["value"] == 0.5
    assert values["null"] == 0.1


def test_as_json_and_back(full, quick):
    text = json.dumps(full.json, allow_nan=False)
    assert json.loads(text) == full.json and "NaN" not in text
    assert full.json["kit"] == kit.__version__
    assert full.json["first_lines"] == full.first_lines
    odd = {"a": float("nan"), "b": [float("inf"), {"c": 1}], "file": torch.device("cpu")}
    about = quick(audits=[], about=odd).json["about"]
    assert about["a"] is None and about["b"] == [None, {"c": 1}] and about["file"] == "cpu"


def test_a_network_that_shows_no_features(original, sham, task):
    audits = [a for a in AUDITS if a.name in ("still_apart", "forgotten_accuracy")]
    found = kit.report(original, Wrapper(original), task, sham=sham, audits=audits)
    by_name = {finding.name: finding for finding in found.findings}
    assert by_name["still_apart"].rows == {} and "last layer" in by_name["still_apart"].lacking
    assert by_name["forgotten_accuracy"].value("after") == 0
    assert found.json["about"]["mask"]["features_kept"] is None
    json.dumps(found.json, allow_nan=False)


def test_saved_as_page_or_as_values(full, tmp_path):
    full.save(tmp_path / "a.html")
    full.save(str(tmp_path / "a.json"))
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == full.html
    assert json.loads((tmp_path / "a.json").read_text()) == full.json
    for name in ("a.txt", "a", "a.htm"):
        with pytest.raises(ValueError, match=r"must end in \.html or \.json"):
            full.save(tmp_path / name)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.html", "a.json"]


def test_no_network_is_changed(original, masked, retrained, task):
    modes = (True, False, True)
    given = [copy.deepcopy(net) for net in (original, masked, retrained)]
    for net, training in zip(given, modes, strict=True):
        net.train(training)
    kept = [copy.deepcopy(net) for net in given]
    random = torch.get_rng_state()
    kit.report(given[0], given[1], task, retrained=given[2:], about={"method": {"passes": {
        "retain_backward": 64}}})  # fmt: skip
    for net, before, training in zip(given, kept, modes, strict=True):
        assert same(net, before) and {m.training for m in net.modules()} == {training}
        assert all(p.requires_grad and p.grad is None for p in net.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_single_pictures(data, original, retrained, sham):
    pictures = kit.tasks.forget_samples(data, range(0, 40, 2))
    found = kit.report(original, retrained, pictures, sham=sham)
    assert [f.name for f in found.findings] == [a.name for a in AUDITS if "sample" in a.levels]
    assert found.first_lines[0].startswith(
        "Asked to forget the 20 pictures of the request, the network names"
    )
    assert found.json["about"]["mask"] == {} and "of these; before" in found.first_lines[0]
    assert "forget 20 pictures" in found.html
    accuracy = (kit.predict(retrained, pictures.forget).argmax(1) == pictures.forget.y).float()
    assert found.findings[0].value("after") == pytest.approx(accuracy.mean().item())


def test_one_picture(data, original, masked, sham):
    """An attack on one picture is no number; the report says so and goes on."""
    found = kit.report(original, masked, kit.tasks.forget_samples(data, [3]), sham=sham)
    lacking = {f.name: f.lacking for f in found.findings}
    assert "two pictures" in lacking["membership"] and not lacking["forgotten_accuracy"]
    assert found.first_lines[0].startswith("Asked to forget the one picture")


def test_a_feature_is_refused(feature_task, feature_original):
    with pytest.raises(ValueError, match=r"kit\.evaluate judges features"):
        kit.report(feature_original, feature_original, feature_task)


@pytest.mark.parametrize("place", ["before", "after", "retrained"])
def test_a_network_for_other_classes_is_refused(place, original, task):
    class Other:
        in_channels, image_size, num_classes = task.in_channels, task.image_size, 7

    other = kit.models.build("resnet8", Other(), width=4)
    given = {"before": original, "after": original, "retrained": []}
    given[place] = [other] if place == "retrained" else other
    with pytest.raises(ValueError, match="4 classes"):
        kit.report(task=task, **given)


def test_networks_of_any_width(original, retrained_too, task, sham):
    audits = [a for a in AUDITS if a.name != "membership"]  # no width there, but much time
    found = kit.report(original, retrained_too, task, sham=sham, audits=audits)
    assert [f.name for f in found.findings if f.rows] == [audit.name for audit in audits]


def test_the_facts(full, quick, original, masked, task):
    about = full.json["about"]
    assert about["request"].startswith("forget the class “1”: ")
    assert about["data"]["training pictures"] == len(task.train)
    hashes = [list(one.values())[0] for one in about["weights"].values()]
    assert len(set(hashes)) == 5 and all(len(one) == 64 for one in hashes)
    assert all(one in full.html for one in hashes)
    assert quick(audits=[], about={"request": "mine"}).json["about"]["request"] == "mine"
    assert "<dt>method</dt><dd>ssd</dd>" in quick(audits=[], about={"method": "ssd"}).html


def test_the_same_twice(quick):
    audits = [a for a in AUDITS if a.name in ("still_apart", "comes_back")]
    assert quick(audits=audits).json == quick(audits=audits).json


@pytest.mark.parametrize(
    "method, steps",
    [({"passes": {"retain_backward": 640, "forget_backward": 65, "train_forward": 9999}}, 12),
     ({"passes": {"retain_backward": 10**6}}, 200), ({"passes": {"a_backward": 1}}, 1),
     ({}, 4), ({"passes": {}}, 4), ("ssd", 4)],
)  # fmt: skip
def test_the_sham_update_is_as_long_as_the_method(method, steps, task):
    assert _steps({"method": method}, task) == steps  # 64 images a step


def test_the_sham_update_is_made(original, masked, task):
    found = kit.report(original, masked, task, audits=AUDITS[:1], about={"method": {"passes": {
        "a_backward": 64}}})  # fmt: skip
    hashes = found.json["about"]["weights"]
    assert hashes["sham update"] != hashes["before"]
    assert found.findings[0].value("sham update") > 0.9
    assert repr(found) == "\n".join(found.first_lines)
