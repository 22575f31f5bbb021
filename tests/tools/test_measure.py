"""``tools/measure.py``: what counts as prose, a visible cell, clipped code."""

import browser
import measure
import pytest

PAGE = """<html><body><article style="width: 600px; height: 2700px"><h1>Three plain words</h1>
<p>Two more <span class="math">x y z</span></p><pre>not prose</pre>
<table><tr><td>nor this</td></tr></table>
<div class="admonition dropdown"><p>folded answer</p></div>
<div class="cell_input"><pre>short</pre></div>
<div class="cell_input"><pre style="overflow: auto">{long}</pre></div>
<details><summary>code</summary><div class="cell_input"><pre>{long}</pre></div></details>
<img src="a.svg" alt="a"><figure><img class="kit-figure" alt="b"><figcaption></figcaption></figure>
</article></body></html>""".replace("{long}", "x" * 300)


@pytest.mark.browser
@pytest.mark.skipif(browser.where() is None, reason="no Chromium is installed")
def test_what_a_reader_sees_is_counted(tmp_path):
    file = tmp_path / "one.html"
    file.write_text(PAGE)
    (tmp_path / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>" + " " * 50_000)
    row = measure.measure([file])["one"]
    assert (row["words"], row["cells"], row["clipped"], row["screens"]) == (5, 2, 1, 3.0)
    assert (row["drawings"], row["figures"], row["captions"], row["tables"]) == (1, 1, 1, 1)
    assert row["weight"] == pytest.approx((len(PAGE) + 50_041) / 1e6, abs=1e-4)


def test_pages_to_look_things_up_may_be_longer():
    row = dict.fromkeys(measure.LIMITS, 0) | {"screens": 13}
    assert measure.beyond("class_unsir", row) == ["screens"]
    assert not measure.beyond("class_unsir_scales", row) and not measure.beyond("scorecard", row)
