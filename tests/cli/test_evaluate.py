"""The command that measures an exported translator."""

import dataclasses
import shutil
import sys

import pytest
from helpers import run_module

from tf_seq2seq import InputError, evaluation
from tf_seq2seq.cli.evaluate import Settings, evaluate, main

SOURCES = ["a b c", "c d", "e f g h", "b"]
REFERENCES = ["甲乙", "丙丁", "戊己", "甲"]


@pytest.fixture(scope="module")
def measured(exported, tmp_path_factory):
    """A translator, and the settings for measuring its export."""
    translator, path = exported
    folder = tmp_path_factory.mktemp("evaluate")
    shutil.copytree(path, folder / "model" / "1")
    (folder / "source").write_text("\n".join(SOURCES) + "\n", encoding="utf-8")
    (folder / "reference").write_text("\n".join(REFERENCES) + "\n", encoding="utf-8")
    (folder / "expected").write_text(
        "".join(f"{translation.text}\n" for translation in translator(SOURCES)), encoding="utf-8"
    )
    return translator, Settings(
        folder / "model", folder / "source", folder / "reference", output=folder / "output"
    )


@pytest.fixture
def settings(measured):
    return measured[1]


def test_the_translations_are_scored(measured):
    translator, settings = measured
    report = evaluate(settings)
    written = settings.output.read_text(encoding="utf-8")
    assert written == settings.model.with_name("expected").read_text(encoding="utf-8")
    expected = evaluation.bleu(written.splitlines(), REFERENCES, "zh", bootstrap=1000)
    assert report.bleu == expected
    assert "tok:zh" in report.bleu.signature
    scored = translator.score(SOURCES, REFERENCES)
    assert report.perplexity == pytest.approx(
        evaluation.corpus_perplexity(
            (s.score for s in scored), (len(s.target_tokens) for s in scored)
        ),
        rel=1e-4,
    )


def test_options(settings):
    report = evaluate(dataclasses.replace(settings, tokenize="char", lowercase=True, bootstrap=0))
    assert "case:lc" in report.bleu.signature
    assert "tok:char" in report.bleu.signature
    assert report.bleu.interval is None


def test_main(settings, monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    arguments = [f"--{name}={getattr(settings, name)}" for name in ("model", "source", "reference")]
    assert main([*arguments, "--bootstrap", "0"]) == 0
    assert "\n4 sentences\nBLEU " in capsys.readouterr().out


def test_as_a_command(settings):
    printed = run_module(
        "tf_seq2seq.cli.evaluate",
        *("--model", settings.model, "--source", settings.source),
        *("--reference", settings.reference, "--bootstrap", "10"),
    )
    assert "\n4 sentences\nBLEU " in printed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "nowhere"}, "no SavedModel in"),
        ({"source": "nowhere"}, "nowhere"),
        ({"source": "expected-3"}, "3 lines and .* has 4"),
        ({"tokenize": "none such"}, "`tokenize` must be .* got 'none such'"),
    ],
)
def test_errors_of_the_input(settings, change, message):
    folder = settings.model.parent
    (folder / "expected-3").write_text("a\nb\nc\n", encoding="utf-8")
    paths = {
        name: folder / value if name != "tokenize" else value for name, value in change.items()
    }
    with pytest.raises(InputError, match=message):
        evaluate(dataclasses.replace(settings, output=folder / "nothing", **paths))
    assert not (folder / "nothing").exists()


@pytest.mark.parametrize("missing", ["model", "source", "reference"])
def test_required_options(missing, capsys):
    given = [f"--{name}=x" for name in ("model", "source", "reference") if name != missing]
    with pytest.raises(SystemExit) as end:
        main(given)
    assert end.value.code == 2
    message = f"the following arguments are required: --{missing}; --help lists the options\n"
    assert capsys.readouterr().err == f"error: {message}"


def test_the_folder_of_the_output_is_made(settings, tmp_path):
    output = tmp_path / "new" / "output"
    evaluate(dataclasses.replace(settings, output=output, bootstrap=0))
    assert len(output.read_text(encoding="utf-8").splitlines()) == 4
