import re

import pytest
from helpers import small_translator

import tf_seq2seq as s2s

CHAPTER = "beyond_2_beam_search"


def test_the_quick_preset_measures_all_four(run_chapter, tmp_path, capsys):
    variables = run_chapter(CHAPTER, "--output-dir", tmp_path)
    printed = capsys.readouterr().out

    missed = [float(x) for x in re.findall(r"^ +\d+ +(\d+) % +\d\.\d{3}$", printed, re.MULTILINE)]
    assert len(missed) == 6
    assert missed[0] >= missed[3] >= missed[5] == 0
    assert len(variables["sequences"]) == sum(5**length for length in range(5))
    for heading in ("beam width    BLEU", "length penalty     BLEU", "coverage penalty   BLEU"):
        assert heading in printed
    # A beam finds what is more probable, and without a penalty what is shorter.
    assert variables["reports"][5][1] > variables["reports"][1][1]
    by_length = variables["by_length"]
    assert by_length[0.0][0].length_ratio <= by_length[1.5][0].length_ratio
    assert (tmp_path / "beam_search.png").stat().st_size > 10_000


def test_a_translator_that_was_saved(run_chapter, tmp_path):
    translator = small_translator()
    translator.save(tmp_path / "translator")
    small = ("--sentences", 10, "--repetitions", 1, "--translator", tmp_path / "translator")
    variables = run_chapter(CHAPTER, "--output-dir", tmp_path, *small)
    test = variables["test"]
    hypotheses = [translation.text for translation in translator(test.source)]
    expected = s2s.evaluation.bleu(hypotheses, test.target, "zh")
    assert variables["reports"][1][0].bleu == expected


def test_no_translator(run_chapter, tmp_path):
    with pytest.raises(s2s.InputError, match=r"No translator in .*nowhere"):
        run_chapter(CHAPTER, "--output-dir", tmp_path, "--translator", tmp_path / "nowhere")
