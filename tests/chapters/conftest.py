import contextlib
import io
import runpy
import sys

import keras
import pytest
from helpers import ROOT

import tf_seq2seq as s2s
from tf_seq2seq.data import TED_TEST_SETS
from tf_seq2seq.serving import signatures


def _run(name, *arguments):
    script = str(ROOT / "chapters" / f"{name}.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "excepthook", sys.excepthook)
        patch.setattr(sys, "argv", [script, *map(str, arguments)])
        return runpy.run_path(script, run_name="__main__")


@pytest.fixture
def run_chapter():
    """Run a chapter in this process, by its name and arguments; returns its variables."""
    return _run


@contextlib.contextmanager
def _smaller_corpus(**limits):
    """Limit the synthetic corpus of chapters to this many pairs in each part."""
    whole = s2s.data.synthetic_corpus

    def limited(**sizes):
        return whole(**sizes | {part: min(n, sizes.get(part, n)) for part, n in limits.items()})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s2s.data, "synthetic_corpus", limited)
        yield


@pytest.fixture(scope="session")
def smaller_corpus():
    """A context in which the synthetic corpus of chapters has at most this many pairs per part."""
    return _smaller_corpus


@contextlib.contextmanager
def _few_signatures():
    """Export translators with the signatures that the chapters call, and no others."""
    signatures_of = signatures._translator_signatures

    def few_of(*arguments):
        every = signatures_of(*arguments)
        return {name: every[name] for name in ("serving_default", "details", "beam_details")}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "_translator_signatures", few_of)
        yield


@pytest.fixture(scope="session")
def few_signatures():
    """A context in which translators are exported with fewer signatures, which takes less time."""
    return _few_signatures


@pytest.fixture(scope="module")
def run_chapter_once():
    """Run a chapter for several tests; returns its variables and what it printed."""

    def run(name, *arguments):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            variables = _run(name, *arguments)
        return variables, printed.getvalue()

    return run


class _ReachedError(Exception):
    """A chapter has got far enough for a test."""


@pytest.fixture
def run_chapter_until(monkeypatch):
    """Run a chapter until it would call a function, which is given by its module and name."""

    def run(module, function, name, *arguments):
        def reached(*args, **kwargs):
            raise _ReachedError

        with monkeypatch.context() as patch, pytest.raises(_ReachedError):
            patch.setattr(module, function, reached)
            _run(name, *arguments)

    return run


@pytest.fixture
def train_chapter(monkeypatch):
    """Run a chapter until it has trained its model; returns the history."""
    fit = s2s.training.fit

    def run(name, *arguments):
        histories = []

        def fit_and_stop(*args, **kwargs):
            histories.append(fit(*args, **kwargs))
            raise _ReachedError

        with monkeypatch.context() as patch, pytest.raises(_ReachedError):
            patch.setattr(s2s.training, "fit", fit_and_stop)
            _run(name, *arguments)
        keras.config.set_dtype_policy("float32")
        return histories[0]

    return run


@pytest.fixture
def refused(capsys):
    """Check that a chapter refuses options in one sentence, which contains the message."""

    def check(name, *arguments, message):
        with pytest.raises(SystemExit) as end:
            _run(name, *arguments)
        assert end.value.code == 2
        printed = capsys.readouterr().err
        assert message in printed
        assert printed.count("\n") == 1

    return check


@pytest.fixture
def shared_data():
    """The folder of the real corpora, if they are next to the clone."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the development data are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def make_small_data():
    """Make a folder like that of the real corpora, with a line or two in each file."""
    return _make_small_data


@pytest.fixture
def small_data(tmp_path):
    """A folder like that of the real corpora, with a line or two in each file."""
    return _make_small_data(tmp_path)


def _make_small_data(parent):
    folder = parent / "data"

    def write(name, *lines):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    write("ptb/ptb.train.txt", " the <unk> of the N ", " the <unk> is n't ")
    write("ptb/ptb.valid.txt", " the N ")
    write("ptb/ptb.test.txt", " of the moon ")
    write("en-zh-ted/train.en", "I see, Dr. No.", "I don't.")
    write("en-zh-ted/train.zh", "我看见TED。", "我 不。")
    for part in ("dev2010", *TED_TEST_SETS):
        write(f"en-zh-ted/{part}.en", "I see you.")
        write(f"en-zh-ted/{part}.zh", "我看见你。")
    return folder
