import json
import shutil

import pytest

import tf_seq2seq as s2s

CHAPTER = "beyond_4_serve"


@pytest.fixture(
    params=["copied", pytest.param("exported", marks=pytest.mark.slow)],
    ids="second version {}".format,
)
def second_version(request, monkeypatch, few_signatures):
    """Export the second version like the first, or copy the first, which takes less time.

    To save more time, the copied version has fewer signatures.
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
    monkeypatch.setattr(s2s.serving, "export", export_once)
    with few_signatures():
        yield


@pytest.mark.usefixtures("second_version")
def test_serves_and_rolls_out(run_chapter, tmp_path, capsys):
    small = ("--pairs", 1000, "--epochs", 1)
    variables = run_chapter(CHAPTER, *small, "--output-dir", tmp_path)
    printed = capsys.readouterr().out
    expected = variables["translator"](variables["settings"].sentence)[0]
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


def test_options_without_effect(refused):
    arguments = ("--translator", "x", "--pairs", 200, "--seed", 2)
    refused(CHAPTER, *arguments, message="--pairs and --seed have no effect with --translator")
