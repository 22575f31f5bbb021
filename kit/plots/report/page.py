"""The report as one HTML page: no script, nothing loaded from elsewhere, light, dark, on paper."""

from collections.abc import Mapping, Sequence
from html import escape

from kit.plots.report.finding import Finding
from kit.plots.style import BLUE, GREEN, ORANGE
from kit.runtime.version import __version__

STYLE = f"""
:root {{ color-scheme: light dark; --line: #8888; --card: #8881; --band: {GREEN}44; }}
html {{ background: Canvas; color: CanvasText; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46em; margin: 0 auto; padding: 1em; }}
h1 {{ font-size: 1.6em; line-height: 1.2; }} h2 {{ font-size: 1.25em; margin-top: 2em; }}
h3 {{ font-size: 1.05em; margin: 1.6em 0 .3em; }}
.first {{ background: var(--card); border-left: 4px solid {BLUE}; padding: .6em 1.2em; }}
.first li:first-child {{ font-weight: 600; }}
dl.facts {{ display: grid; grid-template-columns: max-content 1fr; gap: .2em 1em; }}
dl.facts dt {{ opacity: .75; }} dl.facts dd {{ margin: 0; overflow-wrap: anywhere; }}
.chart {{ margin: .6em 0; }}
.row {{ display: grid; grid-template-columns: 8.5em 1fr 8.5em; gap: .6em; align-items: center; }}
.row .name, .row .number {{ font-size: .9em; }} .row .number {{ text-align: right; }}
.track {{ position: relative; height: 1.5em; border-left: 1px solid var(--line);
  border-right: 1px solid var(--line); background: var(--card); print-color-adjust: exact; }}
.track span {{ position: absolute; top: 0; bottom: 0; }}
.track .band {{ background: var(--band); }}
.track .null {{ border-left: 2px dashed currentColor; opacity: .6; }}
.track .bar {{ top: 48%; bottom: 44%; background: currentColor; }}
.track .dot {{ width: .7em; height: .7em; top: calc(50% - .35em); margin-left: -.35em;
  border-radius: 50%; background: #7f7f7f; border: 1px solid Canvas; }}
.track .after {{ background: {ORANGE}; border-radius: 0; width: .8em; height: .8em;
  top: calc(50% - .4em); margin-left: -.4em; }}
.track .sham {{ background: Canvas; border: 2px solid #7f7f7f; }}
.track .retrained {{ background: {GREEN}; border-radius: 0; rotate: 45deg; }}
.note {{ font-size: .9em; opacity: .85; }} table {{ border-collapse: collapse; }}
footer {{ margin-top: 3em; font-size: .85em; opacity: .8; }}
@media (max-width: 34em) {{ .row {{ grid-template-columns: 6.2em 1fr 2.6em; gap: .3em; }}
  .number small {{ display: none; }}
  dl.facts {{ grid-template-columns: 1fr; }} dl.facts dt {{ margin-top: .5em; }} }}
@media print {{ body {{ max-width: none; }} .finding, .first {{ break-inside: avoid; }}
  h2, h3, h2 + .note {{ break-after: avoid; }} }}
"""

FEWEST = 3  # retrained networks for which an interval is printed

WORDS = {
    "retrained network": "a network of the same kind, trained anew without the pictures to forget: "
    "the yardstick.",
    "sham update": "the network before, trained a little further on all of its pictures, those of "
    "the request too: it shows what any update does.",
    "nothing to find": "the number that would come out if the network knew nothing of the matter: "
    "the dashed line.",
    "interval": "if the test were repeated with other pictures of the same kind, 95 of 100 such "
    "intervals would hold the true value. Few pictures make it wide.",
    "class": "one of the names that the network gives to pictures.",
}


def page(
    about: Mapping[str, object], lines: Sequence[str], findings: Sequence[Finding],
    statements: Mapping[str, Sequence[str]],
) -> str:  # fmt: skip
    """The whole page."""
    title = f"Report: {about.get('request', 'a request to forget')}"
    said = {"can": "What these numbers allow one to say", "cannot": "What they do not"}
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<section class="first" aria-label="in short"><ul>{_items(lines)}</ul></section>',
        "<h2>What was asked, and of what</h2>",
        _facts({key: value for key, value in about.items() if key not in ("mask", "weights")}),
        "<h2>What was found</h2>",
        _legend(any(f.reference.get("count", 0) > 1 for f in findings)),
        *[f'<section class="finding">{_finding(finding)}</section>' for finding in findings],
        *[f"<h2>{said[kind]}</h2><ul>{_items(statements[kind])}</ul>" for kind in said],
        "<h2>The networks, by hash</h2>",
        _facts(about.get("weights", {})),
        "<h2>Words</h2>",
        _facts(WORDS),
        f"<footer>Made by did-it-really-forget {escape(__version__)}. The same numbers are in the "
        f"JSON form of this report.</footer>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _items(lines: Sequence[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in lines)


def _facts(facts: Mapping[str, object]) -> str:
    """Names and values; a mapping in a mapping is written out."""
    rows = [f"<dt>{escape(str(k))}</dt><dd>{_value(v)}</dd>" for k, v in facts.items() if v]
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{escape(str(k))}: {_value(v)}" for k, v in value.items())
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    return f"{value:,}" if type(value) is int else escape(str(value))


def _legend(retrained: bool) -> str:
    band = " The green band holds the retrained networks." if retrained else ""
    return (
        '<p class="note">Each line is a network, from 0 % on the left to 100 % on the right, with '
        "its 95 % interval where it is known: grey dot before, orange square after, hollow dot "
        "sham update, green diamond retrained. The dashed line is what comes out where there is "
        f"nothing to find.{band}</p>"
    )


def _finding(finding: Finding) -> str:
    head = f"<h3>{escape(finding.question)}</h3><p>{escape(finding.explained)}</p>"
    if not finding.rows:
        return f"{head}<p><b>Not measured:</b> {escape(finding.lacking)}.</p>"
    rows = "".join(_row(name, row, finding) for name, row in finding.rows.items())
    null = ""
    if finding.null is not None and finding.null_said:
        null = f"Dashed: {finding.null:.0%}, {finding.null_said}. "
    lacking = f" Not measured: {finding.lacking}." if finding.lacking else ""
    note = f'<p class="note">{escape(null + finding.limits + lacking)}</p>'
    return f'{head}<div class="chart">{rows}</div>{_interval(finding)}{note}'


def _interval(finding: Finding) -> str:
    """The mean of the retrained networks, with Student's interval over them, inside 0 to 100 %.

    Nothing where it has no meaning: of fewer than three networks, or where all agree.
    """
    reference = finding.reference
    if reference.get("count", 0) < FEWEST or reference["least"] == reference["most"]:
        return ""
    low, high = (min(max(reference[end], 0.0), 1.0) for end in ("low", "high"))
    return (
        f'<p class="note">Retrained networks: mean {reference["mean"]:.0%}, 95 % interval over '
        f"{reference['count']} networks {low:.0%} to {high:.0%} (Student's t).</p>"
    )


def _row(name: str, row: Mapping[str, float | None], finding: Finding) -> str:
    value, low, high = row["value"], row["low"], row["high"]
    if value is None:
        return (
            f'<div class="row"><span class="name">{escape(name)}</span><span></span>'
            f'<span class="number">not measured</span></div>'
        )
    kind = name.split()[0]
    marks = []
    if finding.reference.get("count", 0) > 1:
        least, most = finding.reference["least"], finding.reference["most"]
        marks.append(_span("band", least, max(most - least, 0.004)))
    if finding.null is not None:
        marks.append(_span("null", finding.null))
    number = f"{value:.0%}" if value >= 0.1 or value == 0 else f"{value:.1%}"
    interval = ""
    if low is not None:
        marks.append(_span("bar", low, high - low))
        interval = f" ({low:.0%}–{high:.0%})"
    marks.append(_span(f"dot {kind}", value))
    said = escape(f"{name}: {number}{interval}")
    return (
        f'<div class="row"><span class="name">{escape(name)}</span>'
        f'<span class="track" role="img" aria-label="{said}">{"".join(marks)}</span>'
        f'<span class="number">{number}<small>{interval}</small></span></div>'
    )


def _span(kind: str, left: float, width: float | None = None) -> str:
    """A mark from ``left`` on, as shares of the track; what lies outside is put on its edge."""
    left = min(max(left, 0.0), 1.0)
    wide = "" if width is None else f";width:{100 * min(width, 1 - left):.2f}%"
    return f'<span class="{kind}" style="left:{100 * left:.2f}%{wide}"></span>'
