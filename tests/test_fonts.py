import io
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure

from tf_seq2seq import fonts


def faces(*names):
    known = font_manager.fontManager.ttflist
    return [face for face in known if any(name in face.name for name in names)]


@pytest.fixture(autouse=True)
def _unwarned(monkeypatch):
    monkeypatch.setattr(fonts, "_has_warned", [])
    fonts._add_new_fonts.cache_clear()
    yield
    fonts._add_new_fonts.cache_clear()


@pytest.fixture
def no_chinese_font(monkeypatch):
    monkeypatch.setattr(font_manager.fontManager, "ttflist", faces("DejaVu"))
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [])


def chinese_family():
    found = fonts.families()[len(matplotlib.rcParams["font.family"]) :]
    if not found:
        pytest.skip("no font with Chinese characters is installed")
    return found[0]


def test_latin_text_needs_no_other_font(no_chinese_font):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fonts.drawable("où", "“ça”", "Straße\n", "") == ["où", "“ça”", "Straße\n", ""]
    assert fonts.families() == matplotlib.rcParams["font.family"]


def test_families_are_matplotlib_s_and_those_that_are_installed(monkeypatch):
    face = font_manager.FontEntry(fname="x.ttf", name=fonts.FAMILIES[3])
    other = font_manager.FontEntry(fname="y.ttf", name="Nobody knows")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [other, face])
    assert fonts.families() == [*matplotlib.rcParams["font.family"], fonts.FAMILIES[3]]


def test_without_a_font_there_are_boxes_and_one_warning(no_chinese_font):
    with pytest.warns(UserWarning, match=r"'我是'.*apt-get install fonts-noto-cjk") as warned:
        for _ in range(2):
            assert fonts.drawable("I 是", "我") == ["I □", "□"]
    assert len(warned) == 1


def test_chinese_is_drawn_where_a_font_is_installed():
    chinese_family()

    def width(**options):
        figure = Figure()
        text = figure.text(0, 0, "我是", **options)
        file = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure.savefig(file, format="raw", dpi=50)
        assert text.get_window_extent().width > 0
        return np.frombuffer(file.getvalue(), np.uint8)

    assert fonts.drawable("我是") == ["我是"]
    assert np.any(width(fontfamily=fonts.families()) < 128)


def test_a_font_installed_later_is_found(monkeypatch):
    family = chinese_family()
    (path, *_) = (face.fname for face in faces(family))
    monkeypatch.setattr(font_manager.fontManager, "ttflist", faces("DejaVu"))
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["nothing.ttf", path])
    assert fonts.drawable("我") == ["我"]
    assert family in fonts.families()
