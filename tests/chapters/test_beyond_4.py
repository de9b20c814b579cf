import json
import shutil

import pytest
from helpers import small_translator

import tf_seq2seq as s2s

CHAPTER = "beyond_4_serve"


@pytest.fixture(
    params=["copied", pytest.param("exported", marks=pytest.mark.slow)],
    ids="second version {}".format,
)
def second_version(request, monkeypatch, few_signatures):
    """Export the second version like the first, or copy the first, which takes less time.

    To save more time, the copied version has fewer signatures, and they run in this process.
    """
    export = s2s.serving.export

    def export_once(translator, model_dir, **options):
        if not (model_dir / "1").exists():
            return export(translator, model_dir, **options)
        shutil.copytree(model_dir / "1", model_dir / ".2")
        return (model_dir / ".2").rename(model_dir / "2")

    if request.param == "exported":
        yield
        return
    request.getfixturevalue("no_fresh_process")
    monkeypatch.setattr(s2s.serving, "export", export_once)
    with few_signatures():
        yield


@pytest.mark.usefixtures("second_version")
def test_serves_and_rolls_out(run_chapter, tmp_path, capsys):
    small = ("--pairs", 200, "--epochs", 1)
    theirs = tmp_path / "repository" / "another_model" / "1" / "weights"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    variables = run_chapter(CHAPTER, *small, "--output-dir", tmp_path)
    printed = capsys.readouterr().out
    expected = variables["translator"](variables["sentence"])[0]
    for line in ("curl:", "rest:", "grpc:", "{'label': 'stable'}:", "{'version': 2}:"):
        (found,) = (each for each in printed.splitlines() if each.startswith(line))
        assert expected.text in found
    assert "The server: fake server, for development and tests only.\n" in printed
    assert printed.count("beam:  ") == 3
    assert "refused:    The request to model 'en_zh' at localhost:" in printed
    assert "version 2:  AVAILABLE" in printed and "Version 2 has been withdrawn." in printed
    assert ":tensorflow:serving:request_count" in printed
    assert (tmp_path / "alignment.png").stat().st_size > 5000
    card = json.loads((tmp_path / "repository/en_zh/1/assets.extra/model.json").read_text())
    assert card["data"] == "synthetic corpus"
    assert theirs.exists()


def test_the_config_of_another_program_is_not_overwritten(run_chapter, tmp_path):
    config = tmp_path / "repository" / "models.config"
    config.parent.mkdir()
    config.write_text("theirs")
    with pytest.raises(s2s.InputError, match=r"models\.config is not from this chapter"):
        run_chapter(CHAPTER, "--output-dir", tmp_path)
    assert config.read_text() == "theirs"


class _ExportedError(Exception):
    """The chapter has exported a translator."""


@pytest.fixture
def exported_from(run_chapter, tmp_path, monkeypatch):
    """Run the chapter with a saved translator; returns the folder and the options of the export."""

    def export(translator, model_dir, **options):
        raise _ExportedError(model_dir, options)

    def run(*arguments, **facts):
        small_translator().save(tmp_path / "translator", **facts)
        monkeypatch.setattr(s2s.serving, "export", export)
        with pytest.raises(_ExportedError) as end:
            arguments = ("--translator", tmp_path / "translator", *arguments)
            run_chapter(CHAPTER, *arguments, "--output-dir", tmp_path / "output")
        return end.value.args

    return run


def test_a_saved_translator_has_its_own_card_and_sentences(exported_from, tmp_path):
    card = {"data": "50,000 pairs", "languages": {"source": "fr", "target": "en"}}
    sentences = ["Bonjour.", "Il fait beau aujourd'hui."]
    folder, options = exported_from(card=card, sentences=sentences)
    assert folder.name == "fr_en"
    assert options["card"] == card | {"labels": ["stable"]}
    assert options["sentences"] == sentences

    (tmp_path / "lines").write_text("Salut !\n", encoding="utf-8")
    folder, options = exported_from("--sentences", tmp_path / "lines", "--name", "mine")
    assert folder.name == "mine"
    assert options["card"] == {"labels": ["stable"]}
    assert options["sentences"] == ["Salut !"]

    with pytest.raises(s2s.InputError, match=r"saved without typical sentences: pass a file .* as"):
        exported_from()


def test_options_without_effect(refused):
    refused(CHAPTER, "--sentences", "x", message="--sentences has no effect without --translator")
    arguments = ("--translator", "x", "--pairs", 200, "--seed", 2)
    refused(CHAPTER, *arguments, message="--pairs and --seed have no effect with --translator")


def test_several_hosts_are_refused(refused):
    """With its server in the same process, the chief would be aborted at its end."""
    refused(CHAPTER, "--strategy", "multi_worker", message="invalid choice: 'multi_worker'")
