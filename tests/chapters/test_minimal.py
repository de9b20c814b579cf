import re

import numpy as np
import pytest
import tensorflow as tf
from helpers import ROOT

import tf_seq2seq as s2s
from solutions import minimal

SCRIPT = ROOT / "chapters" / "minimal.py"


@pytest.fixture(scope="module")
def chapter(run_chapter_once):
    return run_chapter_once("minimal")


def test_translates_unseen_sentences(chapter):
    variables, printed = chapter
    assert variables["accuracy"] > 95
    assert f"{variables['EXAMPLE'][0]}\n{variables['EXAMPLE'][1]}\n" in printed
    assert not set(variables["train"]) & set(variables["test"])


def exact_match(variables):
    sources, references = zip(*variables["test"][:100], strict=True)
    return s2s.evaluation.exact_match(variables["translate"](sources)[0], references)


def test_broken_models_do_not_reach_that(chapter, monkeypatch):
    variables, _ = chapter
    names = variables["translate"].__globals__

    # The same decoder, looking at all words alike.
    def uniform(state, memory, is_word, *weights):
        alpha = tf.cast(is_word, memory.dtype)
        alpha /= tf.reduce_sum(alpha, axis=-1, keepdims=True)
        return tf.reduce_sum(alpha[:, :, None] * memory, axis=1), alpha

    monkeypatch.setitem(names, "additive_attention", uniform)
    assert exact_match(variables) < 50

    monkeypatch.undo()
    assert exact_match(variables) > 95
    monkeypatch.setitem(names, "model", variables["Translator"]())
    assert exact_match(variables) == 0


def test_attention_finds_the_words_that_moved(chapter):
    _, printed = chapter
    looked = dict(re.findall(r"^(.)  <-  (\S+)", printed, re.MULTILINE))
    assert {looked["我"], looked["买"], looked["书"]} == {"I", "bought", "book"}


def test_attention_is_that_of_the_package(chapter):
    variables, _ = chapter
    rng = np.random.default_rng(1)
    layer = s2s.BahdanauAttention(5)
    state = rng.normal(size=(3, 6)).astype("float32")
    memory = rng.normal(size=(3, 4, 7)).astype("float32")
    is_word = np.arange(4) < np.array([[4], [2], [1]])
    expected = layer(state, memory, is_word)
    by_shape = {tuple(weight.shape): weight.numpy() for weight in layer.weights}
    w, v, u, bias = (by_shape[shape] for shape in ((6, 5), (7, 5), (5, 1), (5,)))
    assert not bias.any()  # the file leaves it out
    context, alpha = variables["additive_attention"](state, memory, is_word, w, v, u[:, 0])
    np.testing.assert_allclose(context, expected[0], atol=1e-6)
    np.testing.assert_allclose(alpha, expected[1], atol=1e-6)


def test_solutions_of_the_exercises(chapter):
    """tests/chapters/test_solutions.py has the other one."""
    assert minimal.exercise_1(chapter[0]) < 10  # 1
    assert minimal.exercise_3(chapter[0]) < 5  # none
    assert exact_match(chapter[0]) > 95  # the additive attention is back


def test_imports_nothing_of_the_package_and_is_short():
    script = SCRIPT.read_text(encoding="utf-8")
    imported = set(re.findall(r"^(?:import|from) (\w+)", script, re.MULTILINE))
    assert imported == {"os", "random", "keras", "numpy", "tensorflow"}
    assert len(script.splitlines()) <= 300
