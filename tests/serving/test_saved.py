import shutil

import numpy as np
import pytest
import tensorflow as tf
from helpers import TRICKY, slow_except
from serving_test_helpers import assert_same

from tf_seq2seq import InputError, serving, text
from tf_seq2seq.translation import Translation

EXPORTS = [
    ("context_and_previous", text.SubwordTokenizer),
    ("additive_current", text.WordTokenizer),
    ("dot_previous", text.CharacterTokenizer),
]
TEXT = tf.TensorSpec([None], tf.string, "text")


@pytest.mark.parametrize("key", slow_except(EXPORTS, *EXPORTS[:2]), ids=lambda key: key[0])
def test_translates_like_the_translator_that_was_exported(key, exports):
    translator, path = exports(*key)
    saved = serving.SavedTranslator(path.parent)
    assert saved.aligns == translator.aligns
    sentences = [*TRICKY, "ab## ## (a) b￭ ￭."]
    assert_same(saved(sentences, batch_size=3), translator(sentences))
    assert_same(
        saved(""), [Translation("", 0.0, alignment=translator("")[0].alignment, target_length=0)]
    )
    assert saved([]) == []

    n_best = translator.n_best(sentences, beam_width=5, n_best=5)
    for ours, theirs in zip(saved.n_best(sentences), n_best, strict=True):
        assert_same(ours, theirs)

    given = ["甲乙", "", "丙", "甲 x", "<eos>", "丁", "戊", "己。", "庚辛"]
    scored = translator.score(sentences, given)
    assert_same(saved.score(sentences, given, batch_size=2), scored)
    tokens = sum(each.target_length for each in scored)
    expected = np.exp(-sum(each.score for each in scored) / tokens)
    assert saved.perplexity(sentences, given) == pytest.approx(expected, rel=1e-5)
    without_details = saved.score(sentences, given, details=False)
    assert [each.text for each in without_details] == given
    assert [each.target_length for each in without_details] == [
        each.target_length for each in scored
    ]
    assert not any(each.target_tokens for each in without_details)


def test_sentences_that_are_cut_off_are_named(exported):
    translator, path = exported
    saved = serving.SavedTranslator(path)
    long, target = "a b " * 60, "甲" * 30
    with pytest.warns(UserWarning) as warned:
        found = saved.score(["a", long], ["甲", target])
    assert [str(each.message) for each in warned] == [
        f"Sentence 1 ({long[:30]!r}...) was cut off after the model's maximum of 100 tokens; split "
        "it into sentences.",
        f"Translation 1 ({target!r}...) was cut off after the model's maximum of 12 tokens; split "
        "it into sentences.",
    ]
    assert {warning.filename for warning in warned} == {__file__}
    with pytest.warns(UserWarning, match="was cut off"):
        assert_same(found[1:], translator.score(long, target))
    for translate in (saved, saved.n_best):
        with pytest.warns(UserWarning, match=r"Sentence 0 .* maximum of 100 tokens"):
            translate(long)


def test_arguments_out_of_range(exported):
    saved = serving.SavedTranslator(exported[1])
    with pytest.raises(InputError, match="`batch_size` must be an integer of at least 1, got 0"):
        saved("a", batch_size=0)
    with pytest.raises(InputError, match="There are 1 sentences and 2 translations to score"):
        saved.score("a", ["x", "y"])
    with pytest.raises(TypeError, match="NoneType None at position 1"):
        saved(["a", None])


def test_weights_that_are_not_finite(exported):
    saved = serving.SavedTranslator(exported[1])
    for weight in saved._model.weights:
        weight.assign(weight * np.nan)
    with pytest.raises(InputError, match=r"score of sentence 0 .* weights contain NaN"):
        saved("a")


def test_takes_the_latest_version_or_the_one_that_is_named(exported, tmp_path):
    for version in ("2", "10"):
        shutil.copytree(exported[1], tmp_path / version)
    assert serving.SavedTranslator(tmp_path).directory == tmp_path / "10"
    assert serving.SavedTranslator(tmp_path / "2").directory == tmp_path / "2"


def test_no_model(tmp_path):
    with pytest.raises(InputError, match=r"There is no SavedModel in .*folder to which"):
        serving.SavedTranslator(tmp_path / "nowhere")


def test_damaged_model(exported, tmp_path):
    path = shutil.copytree(exported[1], tmp_path / "1")
    (path / "saved_model.pb").write_bytes(b"not a model")
    with pytest.raises(InputError, match=r"cannot be read .*export it again"):
        serving.SavedTranslator(tmp_path)


def save(path, **signatures):
    functions = {
        name: tf.function(function, input_signature=[TEXT]).get_concrete_function()
        for name, function in signatures.items()
    }
    tf.saved_model.save(tf.Module(), str(path), signatures=functions)


@pytest.mark.parametrize("name", ["serving_default", "another"])
def test_model_of_something_else(tmp_path, name):
    save(tmp_path, **{name: lambda text: {"length": tf.strings.length(text)}})
    with pytest.raises(InputError, match="does not contain a translator"):
        serving.SavedTranslator(tmp_path)


def test_a_translator_with_one_signature(tmp_path):
    save(
        tmp_path,
        serving_default=lambda text: {
            "translation": tf.strings.upper(text),
            "score": tf.zeros(tf.shape(text)),
        },
    )
    saved = serving.SavedTranslator(tmp_path)
    assert not saved.aligns
    assert saved(["a", "b"]) == [Translation("A", 0.0), Translation("B", 0.0)]
    assert not saved.can_score
    assert saved.perplexity(["a"], ["b"]) is None
    with pytest.raises(InputError, match="does not have the signature 'beam_details'"):
        saved.n_best("a")
    with pytest.raises(InputError, match="does not have the signature 'score_details'"):
        saved.score("a", "b")
