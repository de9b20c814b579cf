"""Settings that several chapters share."""

import pytest

from tf_seq2seq import InputError


@pytest.mark.parametrize(
    "chapter",
    [
        "quickstart",
        "ch09_5_train_seq2seq",
        "ch09_7_train_attention",
        "beyond_1_feeding_schemes",
        "beyond_2_beam_search",
        "beyond_3_multi30k",
    ],
)
def test_an_unknown_tokenizer_is_refused_before_the_training(run_chapter, tmp_path, chapter):
    with pytest.raises(InputError, match=r"`tokenize` must be .* got 'thai'"):
        run_chapter(chapter, "--tokenize", "thai", "--output-dir", tmp_path)
