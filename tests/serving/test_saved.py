import numpy as np
import pytest
import tensorflow as tf
from helpers import TRICKY, small_translator

from tf_seq2seq import InputError, serving, text


@pytest.mark.parametrize(
    ("system", "tokenizer"),
    [
        ("initial_state", text.WordTokenizer),
        ("additive_current", text.WordTokenizer),
        ("dot_previous", text.SubwordTokenizer),
    ],
)
def test_translates_like_the_translator_that_was_exported(system, tokenizer, tmp_path):
    translator = small_translator(system, tokenizer)
    serving.export(translator, tmp_path, version=2)
    saved = serving.SavedTranslator(tmp_path)
    for got, expected in zip(saved(TRICKY, batch_size=3), translator(TRICKY), strict=True):
        assert got.text == expected.text
        assert got.score == pytest.approx(expected.score, abs=1e-5)
        if translator.aligns:
            assert got.source_tokens == expected.source_tokens
            assert got.target_tokens == expected.target_tokens
            np.testing.assert_allclose(got.alignment, expected.alignment, atol=1e-5)
        else:
            assert got.alignment is None
    assert saved("")[0].text == ""


def test_takes_the_last_version_or_the_one_that_is_named(tmp_path):
    translator = small_translator("initial_state")
    paths = [serving.export(translator, tmp_path, version) for version in (2, 10)]
    assert serving.SavedTranslator(tmp_path).directory == paths[1]
    assert serving.SavedTranslator(paths[0]).directory == paths[0]


def test_no_model(tmp_path):
    with pytest.raises(InputError, match=r"There is no SavedModel in .*--model-dir"):
        serving.SavedTranslator(tmp_path / "nowhere")


def test_damaged_model(tmp_path):
    path = serving.export(small_translator("initial_state"), tmp_path)
    (path / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(InputError, match=r"cannot be read .*export it again"):
        serving.SavedTranslator(tmp_path)


@pytest.mark.parametrize("name", ["serving_default", "another"])
def test_model_of_something_else(tmp_path, name):
    module = tf.Module()
    signature = tf.function(
        lambda text: {"length": tf.strings.length(text)},
        input_signature=[tf.TensorSpec([None], tf.string, "text")],
    )
    tf.saved_model.save(module, str(tmp_path), signatures={name: signature.get_concrete_function()})
    with pytest.raises(InputError, match="is no translator's"):
        serving.SavedTranslator(tmp_path)
