import io
import warnings

import matplotlib
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager, image

from tf_seq2seq import fonts, plotting

SENTENCES = {
    "Chinese": "我是",
    "Korean": "한국어",
    "kana": "かなカナ",
    "Thai": "ไทย",
    "Devanagari": "हिन्दी",
}


def faces(*names):
    known = font_manager.fontManager.ttflist
    return [face for face in known if any(name in face.name for name in names)]


def make_font(path, family, text):
    """Write a font that draws each character of a text as a filled square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 1000), (1000, 1000), (1000, 0)):
        pen.lineTo(point)
    pen.closePath()
    square = pen.glyph()
    names = {character: f"u{ord(character):04X}" for character in text}
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", *dict.fromkeys(names.values())])
    builder.setupCharacterMap({ord(character): name for character, name in names.items()})
    builder.setupGlyf(dict.fromkeys((".notdef", *names.values()), square))
    builder.setupHorizontalMetrics(dict.fromkeys((".notdef", *names.values()), (1000, 0)))
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return font_manager.ttfFontProperty(font_manager.get_font(path))


@pytest.fixture(autouse=True)
def _unwarned(monkeypatch):
    monkeypatch.setattr(fonts, "_has_warned", set())
    fonts._add_new_fonts.cache_clear()
    yield
    fonts._add_new_fonts.cache_clear()


@pytest.fixture
def installed(monkeypatch):
    """Set the installed fonts; DejaVu is always there."""
    dejavu = faces("DejaVu")

    def install(*others):
        monkeypatch.setattr(font_manager.fontManager, "ttflist", [*others, *dejavu])
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [])

    install()
    return install


def test_latin_text_needs_no_other_font(installed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fonts.drawable("où", "“ça”", "Straße\n", "") == ["où", "“ça”", "Straße\n", ""]
    assert fonts.families("où") == matplotlib.rcParams["font.family"]


@pytest.mark.parametrize("script", SENTENCES)
def test_any_script_is_drawn_with_any_font_that_has_it(installed, tmp_path, script):
    text = SENTENCES[script]
    installed(
        make_font(tmp_path / "other.ttf", "Another Script", "ა"),
        make_font(tmp_path / "font.ttf", f"Font of {script}", text),
    )
    assert fonts.families(text) == [*matplotlib.rcParams["font.family"], f"Font of {script}"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fonts.drawable(text, "I") == [text, "I"]
        figure = plotting.alignment(["I"], [text], [[1.0]])
        file = io.BytesIO()
        figure.savefig(file, format="png")
    pixels = image.imread(file.seek(0) or file)[:, :, 0]
    (label,) = figure.axes[0].get_yticklabels()
    box = label.get_window_extent()
    # Filled squares, next to each other.
    rows = slice(len(pixels) - int(box.y1) + 3, len(pixels) - int(box.y0) - 3)
    assert np.mean(pixels[rows, int(box.x0) : int(box.x1)] < 0.5) > 0.7


def test_preferred_families_come_first(installed, tmp_path):
    families = ("A Font", "Noto Sans Any", fonts.FAMILIES[9], fonts.FAMILIES[3])
    made = [make_font(tmp_path / f"{n}.ttf", name, "我") for n, name in enumerate(families)]
    default = matplotlib.rcParams["font.family"]
    while made:
        installed(*made)
        assert fonts.families("我") == [*default, made.pop().name]


def test_several_scripts_take_several_families(installed, tmp_path):
    thai, korean = (
        make_font(tmp_path / f"{script}.ttf", script, SENTENCES[script])
        for script in ("Thai", "Korean")
    )
    installed(thai, korean)
    assert fonts.families("ไทย 한국") == [*matplotlib.rcParams["font.family"], "Korean", "Thai"]


def test_fonts_that_only_claim_to_have_a_character_are_left_out(installed, tmp_path):
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    entry = font_manager.FontEntry(fname=str(tmp_path / "damaged.ttf"), name="Damaged")
    claims = [
        make_font(tmp_path / f"{name}.ttf", name, "我") for name in ("Last Resort", ".Private")
    ]
    installed(entry, *claims)
    with pytest.warns(UserWarning, match="'我'"):
        assert fonts.drawable("我") == ["□"]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("I 是", "with `apt-get install fonts-noto-cjk`."),
        ("한", "with `apt-get install fonts-noto-cjk`."),
        ("ไทย", "with `apt-get install fonts-noto-core`."),
        ("\U0001f9ff", "install a font that has them."),
    ],
)
def test_without_a_font_there_are_boxes_and_one_warning(installed, text, remedy):
    with pytest.warns(UserWarning) as warned:
        for _ in range(2):
            drawn = fonts.drawable(text, text[:1])
    assert drawn[0] == "".join(c if c in "I " else "□" for c in text)
    (message,) = [str(warning.message) for warning in warned]
    assert message.endswith(remedy)


def test_a_font_installed_later_is_found(installed, tmp_path, monkeypatch):
    path = tmp_path / "later.ttf"
    make_font(path, "Later", "我")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["nothing.ttf", str(path)])
    assert fonts.drawable("我") == ["我"]
    assert "Later" in fonts.families("我")
