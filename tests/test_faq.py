"""What docs/faq.md says of errors and their remedies, as far as no other test holds it.

A loss that is NaN: tests/training/test_loop.py. Loaded translators and `replace_unknown`:
tests/test_translator.py. Repeats: tests/search/test_constraints.py. Boxes in plots:
tests/test_fonts.py. Exports without cuDNN: tests/serving/test_exporter.py. `DT_INVALID`:
tests/serving/test_check.py. Several workers: tests/training/test_workers.py.
"""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text
from helpers import ROOT

import tf_seq2seq as s2s
from tf_seq2seq.evaluation import bleu, chrf
from tf_seq2seq.search import Constraints, SearchOptions
from tf_seq2seq.serving.native_model import NativeModel
from tf_seq2seq.text import SubwordTokenizer, WordTokenizer, tokenizer_for

PAGE = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
LINES = ["the cat sat", "the cats sat on the mat", "a rat sat on a hat"] * 5


def test_words_that_the_vocabulary_does_not_have():
    words, pieces = WordTokenizer(), SubwordTokenizer()
    for tokenizer in (words, pieces):
        tokenizer.adapt(LINES, max_size=40)
    assert words.coverage(LINES).unknown == ()
    assert words.coverage(["the hats"]).covered == 1
    assert "hats" in str(words.coverage(["the hats"]))
    assert pieces.coverage(["the hats"]).unknown == ()
    chosen = tokenizer_for(["我昨天买的书"] * 5)
    chosen.adapt(["我昨天买的书"] * 5)
    assert chosen.coverage(["昨天的书"]).unknown == ()


def test_remedies_are_arguments_that_exist():
    SearchOptions(beam_width=5, constraints=Constraints(no_repeat_ngram=3))
    SearchOptions(beam_width=5, coverage_penalty=0.2)
    SearchOptions(replace_unknown=True)
    keras.optimizers.Adam(1e-3, global_clipnorm=1.0)


def test_when_bleu_is_0():
    """Nothing in common, or nothing as long as four words."""
    assert bleu(["x y z u v"], ["a b c d e"]).value == 0
    assert bleu(["a b c"], ["a b c"]).value == 0 < chrf(["a b c"], ["a b c"]).value
    assert bleu(["a b c x d e f"], ["a b c y d e f"]).value > 0  # without four in a row


def test_chinese_is_one_word_for_the_tokenizer_of_english():
    hypotheses, references = ["我昨天买的书很有趣。"], ["我昨天买的书很有意思。"]
    assert bleu(hypotheses, references, tokenize="13a").value == 0
    found = bleu(hypotheses, references)
    assert found.value > 0
    assert "tok:zh" in str(found)


def test_contrib_is_missing():
    with pytest.raises(AttributeError, match="module 'tensorflow' has no attribute 'contrib'"):
        tf.contrib  # noqa: B018
    assert "`module 'tensorflow' has no attribute 'contrib'`" in PAGE


def test_a_server_does_not_find_the_variables_of_a_module_with_a_keras_model(tmp_path):
    module = tf.Module()
    module.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    module.call = tf.function(
        lambda x: {"y": module.model(x)}, input_signature=[tf.TensorSpec([None, 1], name="x")]
    )
    tf.saved_model.save(module, str(tmp_path), signatures=module.call.get_concrete_function())
    x = np.ones([2, 1], np.float32)
    tf.saved_model.load(str(tmp_path)).signatures["serving_default"](tf.constant(x))
    with pytest.raises(tf.errors.OpError, match="Could not find variable"):
        NativeModel(tmp_path)("serving_default", {"x": x})
    assert '### "Could not find variable ..."' in PAGE


def test_a_table_that_no_exported_object_has(tmp_path):
    tokenizer = WordTokenizer()
    tokenizer.adapt(LINES)
    untracked = tf.function(
        lambda text: {"length": tokenizer.encode(text).row_lengths()},
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
    )
    message = "Tried to export a function which references an 'untracked' resource"
    with pytest.raises(AssertionError, match=message):
        tf.saved_model.save(tf.Module(), str(tmp_path), signatures=untracked)
    assert f'### "{message}"' in PAGE


def test_tensorflow_and_its_companion_have_the_same_minor_version():
    assert tf.__version__.split(".")[:2] == tensorflow_text.__version__.split(".")[:2]
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    minor = ".".join(tf.__version__.split(".")[:2])
    assert len(re.findall(rf"^tensorflow(?:-text)?>={minor},", requirements, re.MULTILINE)) == 2
    assert f"the same minor version as TensorFlow: {minor} with {minor}." in PAGE


def test_messages_of_this_package_are_quoted_as_they_are():
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tf_seq2seq").rglob("*.py"))
    code = re.sub(r'"\s*f?"', "", code)  # a message over several lines
    for message in (
        "Keras' own `fit` and `evaluate` do not work with several workers",
        "Training uses 1 replica, on CPU:0.",
        "fonts-noto-cjk",
    ):
        assert message in PAGE
        assert message in code


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+\.\w+)[`(]", PAGE))))
def test_names_exist(name):
    module, _, attribute = name.partition(".")
    owner = s2s.Translator if module == "translator" else WordTokenizer
    if module in ("evaluation", "serving", "text", "training"):
        owner = getattr(s2s, module)
    if module not in ("ragged", "tf"):
        assert hasattr(owner, attribute)
