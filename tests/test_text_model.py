import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import run_python

from tf_seq2seq import LanguageModel, TextModel, serving, text
from tf_seq2seq.text import EOS_ID

LINES = ["the cat sat", "the dog sat on the mat", "", "a zebra sat", "mat", "  the   cat ", "\0"]


@pytest.fixture(scope="module")
def text_model():
    keras.utils.set_random_seed(2)
    tokenizer = text.WordTokenizer(split_punctuation=False)
    tokenizer.adapt(["the cat sat on the mat", "a dog"])
    model = LanguageModel(tokenizer.vocabulary_size, 8)
    model.bias.assign(np.linspace(-1, 1, tokenizer.vocabulary_size))
    return TextModel(model, tokenizer, max_new_tokens=6)


def log_probability(text_model, line):
    """By hand: each token after <eos> and the tokens before it."""
    ids = [EOS_ID, *text_model.tokenizer.encode([line]).values.numpy(), EOS_ID]
    logits = text_model.model(np.array([ids[:-1]])).logits[0]
    chosen = tf.nn.log_softmax(logits).numpy()[np.arange(len(ids) - 1), ids[1:]]
    return chosen.sum(), len(chosen)


def test_scores_are_sums_of_log_probabilities(text_model):
    for line, score in zip(LINES, text_model.score(LINES), strict=True):
        expected, tokens = log_probability(text_model, line)
        assert score.log_probability == pytest.approx(expected, abs=1e-5)
        assert score.tokens == tokens
        assert score.perplexity == pytest.approx(np.exp(-expected / tokens), rel=1e-5)


def test_a_line_does_not_depend_on_its_batch(text_model):
    together = text_model.score(LINES)
    for batch_size in (1, 2):
        for one, other in zip(together, text_model.score(LINES, batch_size), strict=True):
            assert one.log_probability == pytest.approx(other.log_probability, abs=1e-5)
    written = text_model.generate(LINES)
    assert written == [text_model.generate([line])[0] for line in LINES]


def test_no_lines(text_model):
    assert text_model.score([]) == []
    assert text_model.generate([]) == []


def test_greedy_continuation_is_the_most_probable_word_each_time(text_model):
    tokens = ["the", "cat"]
    for _ in range(6):
        ids = [EOS_ID, *text_model.tokenizer.encode([" ".join(tokens)]).values.numpy()]
        logits = text_model.model(np.array([ids])).logits[0, -1].numpy()
        logits[[0, 2]] = -np.inf  # <pad> and <sos> are no words
        best = int(logits.argmax())
        if best == EOS_ID:
            break
        tokens.append(text_model.tokenizer.vocabulary[best])
    assert text_model.generate(["the cat"]) == [" ".join(tokens)]


def test_a_continuation_keeps_unknown_words_of_the_beginning(text_model):
    (line,) = text_model.generate(["a zebra"])
    assert line.startswith("a zebra")


def test_samples_follow_the_seed(text_model):
    beginnings = ["the"] * 8
    first, same, other = (
        text_model.generate(beginnings, temperature=1.0, seed=seed) for seed in (1, 1, 2)
    )
    assert first == same != other
    assert len(set(first)) > 1
    assert all(len(line.split()) <= 7 for line in first)


def test_long_lines_are_cut_off(text_model):
    short = TextModel(text_model.model, text_model.tokenizer, max_length=2)
    assert short.score(["the cat sat"])[0].tokens == 3


def test_bytes_that_are_not_utf8(text_model):
    (score,) = text_model.score([b"the \xff cat"])
    assert score.tokens == 4
    assert "\ufffd" in text_model.generate([b"the \xff"])[0]


def test_something_else_than_a_string(text_model):
    with pytest.raises(TypeError, match="int 7 at position 1"):
        text_model.score(["the", 7])


def test_a_tokenizer_of_another_model(text_model):
    with pytest.raises(ValueError, match="built for 12"):
        TextModel(LanguageModel(12, 4), text_model.tokenizer)


def test_exported_it_gives_the_same_in_a_fresh_process(text_model, tmp_path):
    path = serving.export(text_model, tmp_path)
    scored = serving.run_in_fresh_process(path, LINES)
    expected = text_model.score(LINES)
    np.testing.assert_allclose(
        scored["log_probability"], [score.log_probability for score in expected], atol=1e-5
    )
    assert scored["tokens"] == [score.tokens for score in expected]
    np.testing.assert_allclose(
        scored["perplexity"], [score.perplexity for score in expected], rtol=1e-5
    )
    generated = serving.run_in_fresh_process(path, LINES, "generate")
    assert generated["generated"] == text_model.generate(LINES)


def test_exported_it_takes_an_empty_batch_and_refuses_a_scalar(text_model, tmp_path):
    path = serving.export(text_model, tmp_path)
    printed = run_python(
        "import sys, tensorflow as tf, tensorflow_text\n"
        "model = tf.saved_model.load(sys.argv[1])\n"
        "for signature in model.signatures.values():\n"
        "    outputs = signature(text=tf.zeros([0], tf.string))\n"
        "    print('rows', *{output.shape[0] for output in outputs.values()})\n"
        "    try: signature(text=tf.constant('scalar'))\n"
        "    except Exception as error: print('refused')\n",
        path,
    )
    assert printed.split("\n")[:4] == ["rows 0", "refused"] * 2
