"""The command that measures an exported translator."""

import dataclasses
import shutil
import sys
from pathlib import Path

import pytest
from helpers import run_module

from tf_seq2seq import InputError, data, evaluation
from tf_seq2seq.cli.evaluate import Settings, main
from tf_seq2seq.cli.measure import measure
from tf_seq2seq.search import Shortlist
from tf_seq2seq.serving import SavedTranslator
from tf_seq2seq.translator import Translator

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
        model=folder / "model",
        source=str(folder / "source"),
        reference=str(folder / "reference"),
        output=folder / "output",
    )


@pytest.fixture
def settings(measured):
    return measured[1]


def test_the_translations_are_scored(measured):
    translator, settings = measured
    report = measure(settings)
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
    report = measure(dataclasses.replace(settings, tokenize="char", lowercase=True, bootstrap=0))
    assert "case:lc" in report.bleu.signature
    assert "tok:char" in report.bleu.signature
    assert report.bleu.interval is None


@pytest.fixture
def as_translator(measured, monkeypatch):
    """The settings for measuring the translator that was exported; its folder is not read."""
    translator, settings = measured
    folder = settings.model.with_name("translator")
    folder.mkdir(exist_ok=True)
    (folder / "translator.json").touch()
    monkeypatch.setattr(Translator, "load", lambda directory: {folder: translator}[directory])
    return dataclasses.replace(settings, model=folder, bootstrap=0)


def test_the_precision_of_a_translator_but_not_of_an_export(settings, as_translator):
    exact, rounded = (
        measure(dataclasses.replace(as_translator, precision=precision))
        for precision in (None, "bfloat16")
    )
    assert rounded.perplexity != exact.perplexity
    assert rounded.perplexity == pytest.approx(exact.perplexity, rel=0.05)
    with pytest.raises(InputError, match="leave out --precision, or pass the folder of the transl"):
        measure(dataclasses.replace(settings, precision="bfloat16"))


def test_the_shortlist_of_a_translator_but_not_of_an_export(measured, as_translator):
    translator, settings = measured
    files = f"{settings.source},{settings.reference}"
    output = settings.model.with_name("among-few")
    few = dataclasses.replace(
        as_translator, shortlist=files, per_word=1, most_frequent=0, output=output
    )
    report = measure(few)
    pairs = data.Pairs(SOURCES, REFERENCES)
    shortlist = Shortlist.learn(pairs, *translator.tokenizers, per_word=1, most_frequent=0)
    expected = translator.with_shortlist(shortlist)(SOURCES)
    written = output.read_text(encoding="utf-8").splitlines()
    assert written == [translation.text for translation in expected]
    assert written != [translation.text for translation in translator(SOURCES)]
    whole = measure(dataclasses.replace(as_translator, shortlist="none"))
    assert report.perplexity == pytest.approx(whole.perplexity, rel=1e-6)
    for wrong in ("one", "one,", "one,two,three"):
        message = f"--shortlist takes two files separated by a comma, or none, got '{wrong}'"
        with pytest.raises(InputError, match=message):
            measure(dataclasses.replace(as_translator, shortlist=wrong))
    with pytest.raises(InputError, match="leave out --shortlist, or pass the folder of the transl"):
        measure(dataclasses.replace(settings, shortlist="none"))


def test_a_saved_translator_with_search_options_and_several_files(measured, as_translator):
    translator, settings = measured
    folder = settings.model.parent
    (folder / "more").write_text("a b\nc\n", encoding="utf-8")
    (folder / "more-reference").write_text("甲乙\n丙\n", encoding="utf-8")
    settings = dataclasses.replace(
        as_translator,
        source=f"{settings.source},{folder / 'more'}",
        reference=f"{settings.reference},{folder / 'more-reference'}",
        beam_width=3,
        length_penalty="average",
        min_length=2,
        output=folder / "beam",
    )
    table = measure(settings)
    expected = translator(
        [*SOURCES, "a b", "c"], beam_width=3, length_penalty="average", min_length=2
    )
    written = (folder / "beam").read_text(encoding="utf-8").splitlines()
    assert written == [translation.text for translation in expected]
    assert written != (folder / "expected").read_text(encoding="utf-8").splitlines()
    assert list(table.sets) == settings.source.split(",")
    first, more = table.sets.values()
    assert (first.sentences, more.sentences, table.together.sentences) == (4, 2, 6)
    assert more.bleu == evaluation.bleu(written[4:], ["甲乙", "丙"], "zh")
    assert table.together.bleu == evaluation.bleu(written, [*REFERENCES, "甲乙", "丙"], "zh")
    scored = translator.score([*SOURCES, "a b", "c"], [*REFERENCES, "甲乙", "丙"])
    for report, part in ((first, scored[:4]), (more, scored[4:]), (table.together, scored)):
        lengths = [each.target_length for each in part]
        perplexity = evaluation.corpus_perplexity([each.score for each in part], lengths)
        assert report.perplexity == pytest.approx(perplexity)


def test_the_beam_search_of_an_export(settings):
    output = settings.model.with_name("exported-beam")
    measure(dataclasses.replace(settings, beam=True, bootstrap=0, output=output))
    found = SavedTranslator(settings.model).n_best(SOURCES)
    assert output.read_text(encoding="utf-8").splitlines() == [best.text for best, *_ in found]


def test_options_that_do_not_fit_the_model(settings, as_translator):
    with pytest.raises(InputError, match=r"--beam is for a SavedModel, .* pass --beam-width"):
        measure(dataclasses.replace(as_translator, beam=True))
    with pytest.raises(InputError, match=r"--no-repeat-ngram cannot change it: pass --beam for"):
        measure(dataclasses.replace(settings, no_repeat_ngram=3))
    with pytest.raises(InputError, match=r"`length_penalty` must be a number .* got 'long'"):
        measure(dataclasses.replace(as_translator, beam_width=2, length_penalty="long"))


def test_options_without_effect(capsys):
    given = ["--model=x", "--source=x", "--reference=x", "--length-penalty=2"]
    with pytest.raises(SystemExit) as end:
        main(given)
    assert end.value.code == 2
    assert "--length-penalty has no effect without a --beam-width" in capsys.readouterr().err
    for shortlist in ([], ["--shortlist=none"]):
        with pytest.raises(SystemExit):
            main([*given[:3], *shortlist, "--per-word=9"])
        error = capsys.readouterr().err
        assert "--per-word has no effect without the files of a --shortlist" in error


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
        ({"model": "nowhere"}, "neither a saved translator nor a SavedModel in .*nowhere"),
        ({"source": "nowhere"}, "nowhere"),
        ({"source": "expected-3"}, "3 lines and .* has 4"),
        ({"source": "source,source"}, "2 files in --source and 1 in --reference"),
        (
            {"source": "source,source", "reference": "reference,reference"},
            "--source names a file twice",
        ),
        ({"tokenize": "none such"}, "`tokenize` must be .* got 'none such'"),
    ],
)
def test_errors_of_the_input(settings, change, message):
    folder = settings.model.parent
    (folder / "expected-3").write_text("a\nb\nc\n", encoding="utf-8")
    paths = {
        name: ",".join(str(folder / part) for part in value.split(","))
        if name != "tokenize"
        else value
        for name, value in change.items()
    }
    if "model" in paths:
        paths["model"] = Path(paths["model"])
    with pytest.raises(InputError, match=message):
        measure(dataclasses.replace(settings, output=folder / "nothing", **paths))
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
    measure(dataclasses.replace(settings, output=output, bootstrap=0))
    assert len(output.read_text(encoding="utf-8").splitlines()) == 4
