"""The drawings: one hand, readable on a phone and on a dark page, told by words, and used."""

import re
import xml.etree.ElementTree as ElementTree

import browser as browser_module
import pytest

from tests.conftest import ROOT

STATIC = ROOT / "book" / "_static"
DRAWINGS = [
    *sorted((STATIC / "drawings").glob("*.svg")),
    STATIC / "below.svg",
    STATIC / "choose.svg",
]
NAMES = [drawing.stem for drawing in DRAWINGS]
PAGES = [*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md")]
SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {"path", "rect", "circle", "ellipse"}
KNOWN = {"svg", "g", "title", "desc", "text", "tspan"} | SHAPES
PALETTE = {
    "none", "#222222", "#000000", "#FFFFFF",  # ink, the retrained network, the card
    "#7F7F7F", "#D9D9D9", "#F5F5F5",  # the original, and greys
    "#0072B2", "#CCE3F0", "#E69F00", "#FAECCC",  # unlearned, the forgotten class, and their tints
    "#56B4E9", "#009E73", "#D55E00", "#CC79A7",  # the rest of Okabe and Ito's
}  # fmt: skip
LARGEST = 12_000  # bytes
WIDEST = 560  # units: what is shown 350 pixels wide on a phone
SMALLEST = 15  # units, at that width


def faults(text: str) -> list[str]:
    """What keeps a drawing from being one of this book's."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        return [f"no XML: {error}"]
    elements = list(root.iter())
    tags = {element.tag.removeprefix(SVG) for element in elements}
    found = [f"unknown element {tag}" for tag in sorted(tags - KNOWN)]
    found += [] if root.get("role") == "img" else ["no role"]
    for told in ("title", "desc"):
        said = root.findtext(f"{SVG}{told}") or ""
        found += [] if len(said.strip()) > 3 else [f"no {told}"]
    found += [] if root.get("font-family") == "sans-serif" else ["another font"]
    return found + sizes(root, elements) + looks(elements) + card(root) + weight(text)


def sizes(root, elements) -> list[str]:
    box = [float(number) for number in root.get("viewBox", "0 0 9999 0").split()]
    found = [] if box[2] <= WIDEST else [f"too wide: {box[2]:.0f}"]
    found += [] if root.get("font-size") else ["no font size"]
    fonts = [float(e.get("font-size")) for e in elements if e.get("font-size")]
    return found + [f"small letters: {size:.0f}" for size in fonts if size < SMALLEST]


def looks(elements) -> list[str]:
    colours = {e.get(of) for e in elements for of in ("fill", "stroke") if e.get(of)}
    found = [f"not in the palette: {colour}" for colour in sorted(colours - PALETTE)]
    names = {name for element in elements for name in element.attrib}
    bad = [n for n in sorted(names) if n.startswith("on") or "href" in n or n in ("style", "class")]
    return found + [f"attribute {name}" for name in bad]


def card(root) -> list[str]:
    """The first shape is the white card, so that the drawing reads on a dark page."""
    first = next((child for child in root if child.tag.removeprefix(SVG) in SHAPES), None)
    if first is None or first.get("fill") != "#FFFFFF":
        return ["no white card"]
    whole = root.get("viewBox", "").split()[2:] == [first.get("width"), first.get("height")]
    return [] if whole and first.get("rx") else ["a card of another size, or with sharp corners"]


def weight(text: str) -> list[str]:
    found = [] if len(text.encode()) < LARGEST else [f"too large: {len(text.encode())} bytes"]
    outside = re.findall(r"https?://[^\"\s]+|url\(|@import|<!ENTITY", text)
    return found + [f"refers to {it}" for it in outside if it != "http://www.w3.org/2000/svg"]


@pytest.mark.parametrize("drawing", DRAWINGS, ids=NAMES)
def test_a_drawing_is_of_one_hand(drawing):
    assert not faults(drawing.read_text())


GOOD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 90" role="img" '
    'font-family="sans-serif" font-size="16"><title>Good</title><desc>A word.</desc>'
    '<rect width="480" height="90" rx="10" fill="#FFFFFF"/><text x="9" y="30">word</text></svg>'
)


@pytest.mark.parametrize(
    "old, new, fault",
    [
        ("</svg>", "", "no XML"),
        (' role="img"', "", "no role"),
        ("<title>Good</title>", "", "no title"),
        ("A word.", " ", "no desc"),
        ("sans-serif", "Comic Sans", "another font"),
        ("0 0 480", "0 0 760", "too wide"),
        ("480 90", "480 190", "another size"),
        ('font-size="16"', 'font-size="14"', "small letters"),
        (' font-size="16"', "", "no font size"),
        ('y="30"', 'y="30" fill="#FF0000"', "not in the palette: #FF0000"),
        ('fill="#FFFFFF"', 'fill="#222222"', "no white card"),
        ("</svg>", "<script>1</script></svg>", "unknown element script"),
        ("</svg>", '<image href="a.png"/></svg>', "unknown element image"),
        ('y="30"', 'y="30" onclick="go()"', "attribute onclick"),
        ('y="30"', 'y="30" style="fill:red"', "attribute style"),
        ("word<", "https://example.org<", "refers to https"),
        ("word<", "word" * 4000 + "<", "too large"),
    ],
)
def test_each_fault_is_found(old, new, fault):
    assert not faults(GOOD)
    assert any(fault in found for found in faults(GOOD.replace(old, new)))


def users(name: str, texts: list[str]) -> list[str]:
    """The texts with a figure of this drawing."""
    figure = re.compile(rf"^\s*[`:]{{3,}}\{{figure\}} \S*_static/(drawings/)?{name}\.svg\s*$", re.M)
    return [text for text in texts if figure.search(text)]


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_is_used(name):
    assert users(name, [page.read_text() for page in PAGES]), f"no page has a figure of {name}.svg"


def test_only_a_figure_uses_a_drawing():
    assert users("cloud", ["a\n```{figure} ../book/_static/drawings/cloud.svg\n:alt: x\n```"])
    assert not users(
        "cloud", ["see ../book/_static/drawings/cloud.svg", "```{figure} low_cloud.svg"]
    )


MEASURE = """() => {
  const card = document.querySelector("svg").viewBox.baseVal, found = [];
  const texts = [...document.querySelectorAll("text")].map(t => [t.textContent, t.getBBox()]);
  texts.forEach(([said, a], i) => {
    if (a.x < 2 || a.x + a.width > card.width - 2 || a.y < 0 || a.y + a.height > card.height)
      found.push(said + " leaves the card");
    for (const [other, b] of texts.slice(i + 1))
      if (a.x < b.x + b.width && b.x < a.x + a.width
          && a.y + 3 < b.y + b.height - 3 && b.y + 3 < a.y + a.height - 3)
        found.push(said + " lies on " + other);
  });
  return found;
}"""


@pytest.mark.browser
@pytest.mark.skipif(browser_module.where() is None, reason="no Chromium (apt install chromium)")
def test_no_words_overlap_or_leave_their_card():
    with browser_module.browser() as chromium:
        page = chromium.new_page()

        def measured(svg):
            page.set_content(svg)
            return page.evaluate(MEASURE)

        twice = '<text x="12" y="32">twice</text></svg>'
        assert measured(GOOD.replace("</svg>", twice)) == ["word lies on twice"]
        assert measured(GOOD.replace('x="9"', 'x="470"')) == ["word leaves the card"]
        found = {drawing.stem: measured(drawing.read_text()) for drawing in DRAWINGS}
        assert not {name: faults for name, faults in found.items() if faults}
