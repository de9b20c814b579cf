import re

import pytest
from helpers import ROOT, small_translator

import tf_seq2seq as s2s
from common.workers import LocalWorkers

CHAPTER = "beyond_2_beam_search"


@pytest.mark.slow
def test_measures_all_four(run_chapter, tmp_path, capsys):
    small = ("--sentences", 25, "--repetitions", 1, "--pairs", 1000, "--epochs", 1)
    variables = run_chapter(CHAPTER, *small, "--output-dir", tmp_path)
    printed = capsys.readouterr().out

    missed = [float(x) for x in re.findall(r"^ +\d+ +(\d+) % +\d\.\d{3}$", printed, re.MULTILINE)]
    assert len(missed) == 6
    assert missed[0] >= missed[3] >= missed[5] == 0
    assert len(variables["sequences"]) == sum(5**length for length in range(5))
    for heading in ("beam width    BLEU", "length penalty     BLEU", "coverage penalty   BLEU"):
        assert heading in printed
    # A beam finds more probable sentences, and shorter ones without a penalty.
    assert variables["reports"][5][1] > variables["reports"][1][1]
    by_length = variables["by_length"]
    assert by_length[0.0][0].length_ratio <= by_length[1.5][0].length_ratio
    assert (tmp_path / "beam_search.png").stat().st_size > 10_000


@pytest.mark.slow
def test_two_workers_train_and_the_chief_alone_goes_on(tmp_path):
    small = {"sentences": 10, "repetitions": 1, "pairs": 100, "epochs": 1}
    options = {"strategy": "multi_worker", "output_dir": tmp_path, **small}
    with LocalWorkers([ROOT / "chapters" / f"{CHAPTER}.py"], 2, options, False) as workers:
        assert workers.wait(400) == [0, 0], workers.log(0) + workers.log(1)
        chief, other = workers.log(0), workers.log(1)
    assert "Training uses 2 replicas of 2 workers; this is worker 0, the chief," in chief
    assert "coverage penalty   BLEU" in chief
    assert not {"missed", "BLEU", "loss:"} & set(other.split())
    assert (tmp_path / "beam_search.png").stat().st_size > 10_000


def test_a_saved_translator(run_chapter, tmp_path, monkeypatch):
    translator = small_translator()
    translator.save(tmp_path / "translator")

    # The first report is that of greedy search; the rest of the chapter is not needed, nor is the
    # training of its tiny model.
    def report(hypotheses, references, sources, **options):
        assert hypotheses == [translation.text for translation in translator(sources)]
        assert len(hypotheses) == len(references) == 10
        raise ReportedError

    class ReportedError(Exception):
        pass

    monkeypatch.setattr(s2s.evaluation, "translation_report", report)
    monkeypatch.setattr(s2s.training, "fit", lambda *args, **options: None)
    small = ("--sentences", 10, "--translator", tmp_path / "translator")
    with pytest.raises(ReportedError):
        run_chapter(CHAPTER, "--output-dir", tmp_path, *small)


def test_no_translator(run_chapter, tmp_path):
    with pytest.raises(s2s.InputError, match=r"No translator in .*nowhere"):
        run_chapter(CHAPTER, "--output-dir", tmp_path, "--translator", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data-dir", "x"), "--data-dir has no effect with --corpus synthetic"),
        (("--translator", "x", "--pairs", 200), "--pairs has no effect with a saved --translator"),
        (("--preset", "multi30k", "--epochs", 1), "--epochs has no effect with a saved"),
    ],
)
def test_options_without_effect(refused, arguments, message):
    refused(CHAPTER, *arguments, message=message)
