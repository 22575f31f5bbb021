"""A report that was killed goes on; nothing that is not its own is read."""

import copy

import pytest
import torch

import kit
from tests.plots.report.conftest import an_audit


def three(*values):
    return [an_audit(f"probe{n}", [value]) for n, value in enumerate(values)]


def test_a_killed_report_goes_on(quick, tmp_path):
    probes = three(0.1, 0.2, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        quick(audits=[audit for audit, _ in probes], store=tmp_path)
    assert [len(given) for _, given in probes] == [3, 3, 1]
    again = three(0.7, 0.8, 0.9)  # were they measured again, it would show
    found = quick(audits=[audit for audit, _ in again], store=tmp_path)
    assert [len(given) for _, given in again] == [0, 0, 3]
    assert [finding.value("after") for finding in found.findings] == [0.1, 0.2, 0.9]


@pytest.mark.parametrize("text", ["", '{"name": "pro', "[1]", '{"colour": 1}', "\x00\xff"])
def test_a_damaged_file_is_made_anew(text, quick, tmp_path):
    audit, given = an_audit()
    first = quick(audits=[audit], store=tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_text()
    file.write_bytes(text.encode("latin1"))
    assert quick(audits=[audit], store=tmp_path).findings == first.findings
    assert len(given) == 6 and file.read_text() == whole
    quick(audits=[audit], store=tmp_path)
    assert len(given) == 6


def hooked(net, act):
    """The same weights under the same names; the answers are changed on their way out."""
    other = copy.deepcopy(net)
    other.register_forward_hook(lambda module, inputs, logits: act(logits))
    return other


def silent(logits):
    """Lowers the forgotten class where it would be named; nothing changes elsewhere."""
    named = logits.argmax(1) == 1
    return torch.where(named[:, None] & (torch.arange(4) == 1), -1e4, logits)


def test_what_differs_is_measured_anew(
    original, masked, retrained, sham, task, data, tmp_path, monkeypatch
):
    audit, given = an_audit()

    def measured(before=original, after=masked, about=task, **options):
        count = len(given)
        options = {"sham": sham, **options}
        kit.report(before, after, about, audits=[audit], store=tmp_path, **options)
        return len(given) > count

    assert measured() and not measured()
    assert measured(after=retrained) and measured(before=retrained) and measured(sham=retrained)
    assert measured(before=masked, after=original)
    assert measured(retrained=[retrained]) and measured(retrained=[retrained, masked])
    assert measured(retrained=[masked, retrained])
    assert measured(seed=1)
    assert measured(about=kit.tasks.forget_classes(data, [2]))
    assert measured(about=kit.tasks.forget_samples(data, task.forget.rows.tolist()))
    assert measured(after=hooked(original, silent)) and not measured(after=hooked(original, silent))
    assert measured(after=original)
    nudged = copy.deepcopy(masked)
    with torch.no_grad():
        nudged.head.weight[0, 0] += 1e-6
    assert measured(after=nudged)
    assert not measured()


def test_an_audit_of_another_version_is_another(quick, tmp_path):
    quick(audits=[an_audit(values=[0.1])[0]], store=tmp_path)
    for version, value in ((1, 0.1), (2, 0.9)):
        audit, _ = an_audit(values=[0.9], version=version)
        found = quick(audits=[audit], store=tmp_path)
        assert found.findings[0].value("after") == value


def test_without_a_store_nothing_is_kept(quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    audit, given = an_audit()
    quick(audits=[audit])
    quick(audits=[audit])
    assert len(given) == 6 and not list(tmp_path.iterdir())
