"""The command that exports a saved translator."""

import sys

import pytest
from helpers import small_translator

from tf_seq2seq import InputError, SearchOptions, serving
from tf_seq2seq.cli import export
from tf_seq2seq.translator import Translator

CARD = {"data": "multi30k, 29,000 sentence pairs", "languages": {"source": "de", "target": "en"}}
SENTENCES = ["Ein Mann läuft.", "Zwei Hunde."]


@pytest.fixture(scope="module")
def translator():
    return small_translator()


@pytest.fixture
def exported(translator, tmp_path, monkeypatch):
    """Return a function that saves a translator, runs the command and returns what it exports."""

    def run(*arguments, **facts):
        translator.save(tmp_path / "translator", **facts)
        calls = []

        def record(*positional, **keywords):
            calls.append((*positional, keywords))
            return tmp_path / "models" / "1"

        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        monkeypatch.setattr(serving, "export", record)
        where = ["--translator", tmp_path / "translator", "--model-dir", tmp_path / "models"]
        assert export.main([*map(str, (*where, *arguments))]) == 0
        ((found, directory, version, keywords),) = calls
        assert isinstance(found, Translator) and directory == tmp_path / "models"
        return version, keywords

    return run


def test_the_card_and_the_sentences_are_those_of_the_training(exported, tmp_path, capsys):
    version, options = exported(card=CARD, sentences=SENTENCES)
    assert version is None
    assert options["card"] == CARD
    assert options["sentences"] == SENTENCES
    assert options["beam"] == SearchOptions(beam_width=5, n_best=5)
    assert capsys.readouterr().out == (
        f"SavedModel: {tmp_path / 'models/1'}\n"
        f"Check it with: tf-seq2seq-check-export {tmp_path / 'models/1'}\n"
    )


def test_precision(translator, tmp_path, monkeypatch):
    translator.save(tmp_path / "translator", sentences=SENTENCES)
    found = []
    monkeypatch.setattr(serving, "export", lambda exported, *_, **__: found.append(exported))
    where = ("--translator", tmp_path / "translator", "--model-dir", tmp_path / "models")
    for precision in ((), ("--precision", "bfloat16")):
        export.main([*map(str, (*where, *precision))])
    assert [each.model.decoder.compute_dtype for each in found] == ["float32", "bfloat16"]


def test_options_replace_what_was_saved(exported, tmp_path):
    lines = tmp_path / "lines"
    lines.write_text("un\ndeux\n")
    facts = ("--data", "my pairs", "--languages", "fr,en", "--label", "canary")
    beam = ("--beam-width", 3, "--n-best", 2, "--length-penalty", 0.6)
    version, options = exported(
        *facts, *beam, "--version", 7, "--sentences", lines, card=CARD, sentences=SENTENCES
    )
    assert version == 7
    assert options["card"] == {
        "data": "my pairs",
        "languages": {"source": "fr", "target": "en"},
        "labels": ["canary"],
    }
    assert options["sentences"] == ["un", "deux"]
    assert options["beam"] == SearchOptions(beam_width=3, n_best=2, length_penalty=0.6)


def test_the_signature_beam_has_any_search_options(exported):
    _, options = exported("--length-penalty", "average", "--no-repeat-ngram", 3)
    expected = SearchOptions(beam_width=5, n_best=5, length_penalty="average")
    assert options["beam"] == expected.replace(no_repeat_ngram=3)


def test_what_is_unknown_is_said_and_not_invented(exported, capsys):
    _, options = exported()
    assert options["card"] == {} and not options["sentences"]
    printed = capsys.readouterr().out
    assert "no warm-up requests" in printed and "--sentences" in printed
    assert "does not name the training data: pass --data" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--languages", "fr"), "--languages takes two languages .* got 'fr'"),
        (("--languages", "fr,en,zh"), "--languages takes two languages"),
        (("--sentences", "missing"), "missing cannot be read"),
        (("--length-penalty", "-1"), "`length_penalty` must be"),
        (("--n-best", 6), "`n_best` must be at most `beam_width`"),
        (("--translator", "nowhere"), "No translator in nowhere"),
    ],
)
def test_errors_of_the_input(exported, arguments, message):
    with pytest.raises(InputError, match=message):
        exported(*arguments)
