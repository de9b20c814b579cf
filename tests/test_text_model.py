import dataclasses
import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq import InputError, LanguageModel, TextModel, search, serving, text
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
    """Sum over the tokens, each after <eos> and the tokens before it."""
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
        logits[[0, 2]] = -np.inf  # <pad> and <sos> are not words
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


def test_bytes_that_are_not_utf8(text_model):
    (score,) = text_model.score([b"the \xff cat"])
    assert score.tokens == 4
    assert "\ufffd" in text_model.generate([b"the \xff"])[0]


def test_anything_but_a_string_is_refused(text_model):
    with pytest.raises(TypeError, match="int 7 at position 1"):
        text_model.score(["the", 7])


def test_a_tokenizer_of_another_model(text_model):
    with pytest.raises(ValueError, match="built for 12"):
        TextModel(LanguageModel(12, 4), text_model.tokenizer)


def test_arguments_of_another_kind(text_model):
    model, tokenizer = text_model.model, text_model.tokenizer
    with pytest.raises(InputError, match="`model` must be a TextGenerator such as LanguageModel"):
        TextModel(tokenizer, model)
    with pytest.raises(InputError, match="`tokenizer` must be a Tokenizer, got None"):
        TextModel(model, None)


def test_a_line_longer_than_the_limit_is_cut_off_with_a_warning(text_model):
    short = TextModel(text_model.model, text_model.tokenizer, max_length=2, max_new_tokens=1)
    for call in (short.score, short.generate):
        with pytest.warns(UserWarning) as warned:
            two, three = call(["the cat", "the cat sat"])
        (warning,) = warned
        assert str(warning.message).startswith(
            "Line 1 ('the cat sat'...) was cut off after max_length=2 tokens"
        )
        assert warning.filename == __file__, "it points to the caller"
        assert two == three


def test_cut_off_lines_are_found_without_tokenizing_twice(text_model, monkeypatch):
    text_model.score(["the"])
    text_model.generate(["the"])

    def tokenize(text):
        raise AssertionError("tokenized outside of the graph")

    monkeypatch.setattr(text_model.tokenizer, "tokenize", tokenize)
    for call in (text_model.score, text_model.generate):
        with pytest.warns(UserWarning, match="Line 0"):
            call(["the " * 201])


def test_continuations_are_no_longer_than_the_limit(text_model):
    (line,) = text_model.generate(["the"], min_length=6)
    assert len(line.split()) == 1 + 6


def test_a_graph_is_traced_once_for_equal_options_whatever_the_seed(text_model, monkeypatch):
    traces = []
    original = text_model.generate_graph

    def generate_graph(*arguments):
        traces.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(text_model, "generate_graph", generate_graph)
    options = {"temperature": 0.9, "top_k": 5, "no_repeat_ngram": 2}
    for seed in (0, 1, np.int64(2)):
        text_model.generate(["the", "a"], seed=seed, **options)
    assert len(traces) == 1
    text_model.generate(["the"], **{**options, "top_k": 4})
    assert len(traces) == 2


# Every option of `generate`, with a value that is not the default.
OPTIONS = {
    "temperature": 0.5,
    "top_k": 3,
    "top_p": 0.5,
    "seed": 7,
    "min_length": 2,
    "no_repeat_ngram": 3,
    "forbid_unknown": True,
    "others": (search.MinLength(1),),
}


class CalledError(Exception):
    """Raised instead of a search."""


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_reaches_the_search(text_model, name, monkeypatch):
    calls = []

    def sample(*args, **kwargs):
        calls.append(kwargs)
        raise CalledError

    monkeypatch.setattr(search, "sample", sample)
    monkeypatch.setattr(text_model, "_compiled", {})
    with pytest.raises(CalledError):
        text_model.generate("the", **{"temperature": 1.0, name: OPTIONS[name]})
    (given,) = calls
    constraints = {field.name for field in dataclasses.fields(search.Constraints)}
    expected = {"temperature": 1.0, "top_k": None, "top_p": None}
    if name in constraints:
        assert given["constraints"] == search.Constraints(**{name: OPTIONS[name]})
    else:
        assert given["constraints"] == search.NO_CONSTRAINTS
        expected[name] = OPTIONS[name]
    expected.pop("seed", None)  # a tensor, so that one graph serves all seeds: see below
    assert {key: given[key] for key in expected} == expected
    parameters = inspect.signature(text_model.generate).parameters.values()
    keywords = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
    assert keywords | constraints == set(OPTIONS)


def test_batches_are_sampled_independently(text_model):
    beginnings = ["the"] * 12
    options = {"temperature": 1.0, "seed": 3, "min_length": 5}
    written = text_model.generate(beginnings, batch_size=4, **options)
    assert written[:4] != written[4:8] != written[8:] != written[:4]
    assert written == text_model.generate(beginnings, batch_size=4, **options)
    assert written[:4] == text_model.generate(beginnings[:4], **options)


def test_one_string_is_one_line(text_model):
    assert text_model.score("the cat") == text_model.score(["the cat"])
    assert text_model.generate("the cat") == text_model.generate(["the cat"])
    assert text_model.generate() == text_model.generate([""])


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0},
        {"temperature": "1"},
        {"top_k": 0, "temperature": 1.0},
        {"top_p": 2, "temperature": 1.0},
        {"seed": -1},
        {"seed": 1.5},
        {"min_length": -1},
        {"batch_size": 0},
        {"verbose": True},
    ],
    ids=str,
)
def test_options_out_of_range(text_model, options):
    name, value = next(iter(options.items()))
    with pytest.raises(InputError, match=f"^`{name}` must be .*, got {value!r}"):
        text_model.generate(["the"], **options)


def test_options_without_effect_are_refused(text_model):
    for options in ({"top_k": 3}, {"top_p": 0.5}):
        with pytest.raises(InputError, match="need a `temperature`"):
            text_model.generate(["the"], **options)
    with pytest.raises(TypeError, match="beams"):
        text_model.generate(["the"], beams=3)


@pytest.mark.parametrize("name", ["max_length", "max_new_tokens"])
def test_limits_out_of_range(text_model, name):
    for value in (0, 2.5, True):
        with pytest.raises(InputError, match=f"`{name}` must be an integer .*, got {value}"):
            TextModel(text_model.model, text_model.tokenizer, **{name: value})


def test_weights_that_are_not_finite(text_model):
    model = LanguageModel(text_model.tokenizer.vocabulary_size, 4)
    model.bias.assign(np.full(model.bias.shape, np.nan))
    broken = TextModel(model, text_model.tokenizer)
    for call in (broken.score, broken.generate):
        with pytest.raises(InputError, match=r"score of line 0 \('the'\) is nan: the weights"):
            call(["the"])


def test_a_progress_bar(text_model, capsys):
    for call in (text_model.score, text_model.generate):
        call(["a", "the"], verbose=1)
        assert "2/2" in capsys.readouterr().out
        call(["a", "the"])
        assert capsys.readouterr().out == ""


def test_save_and_load(text_model, tmp_path):
    limited = TextModel(text_model.model, text_model.tokenizer, max_length=9, max_new_tokens=5)
    limited.save(tmp_path / "folder")
    again = TextModel.load(tmp_path / "folder")
    assert (again.max_length, again.max_new_tokens) == (9, 5)
    assert again.score(LINES) == limited.score(LINES)
    assert again.generate(LINES) == limited.generate(LINES)


def test_load_names_what_is_missing_or_damaged(text_model, tmp_path):
    with pytest.raises(InputError, match=r"No text model in .*nowhere.*text_model.json is missing"):
        TextModel.load(tmp_path / "nowhere")
    text_model.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "model.keras",
        "text_model.json",
        "tokenizer",
    ]
    (tmp_path / "model.keras").write_bytes(b"PK damaged")
    with pytest.raises(InputError, match=r"text model in .* cannot be read.*save it again"):
        TextModel.load(tmp_path)


@pytest.fixture(scope="module")
def exported(text_model, tmp_path_factory):
    return serving.export(text_model, tmp_path_factory.mktemp("exported"))


def test_an_export_gives_the_same_in_a_fresh_process(text_model, exported):
    names = ("serving_default", "generate")
    calls = [(name, {"text": text}) for text in (LINES, [], "scalar") for name in names]
    scored, generated, *empty_or_refused = serving.run_calls(exported, calls)
    expected = text_model.score(LINES)
    np.testing.assert_allclose(
        scored["log_probability"], [score.log_probability for score in expected], atol=1e-5
    )
    assert scored["tokens"] == [score.tokens for score in expected]
    np.testing.assert_allclose(
        scored["perplexity"], [score.perplexity for score in expected], rtol=1e-5
    )
    assert generated["generated"] == text_model.generate(LINES)
    assert all(rows == [] for empty in empty_or_refused[:2] for rows in empty.values())
    for refused in empty_or_refused[2:]:
        assert str(refused).startswith("InvalidArgumentError")


def test_an_export_accepts_an_empty_batch_and_refuses_a_scalar(exported):
    for signature in tf.saved_model.load(str(exported)).signatures.values():
        outputs = signature(text=tf.zeros([0], tf.string))
        assert {len(output) for output in outputs.values()} == {0}
        with pytest.raises(tf.errors.InvalidArgumentError):
            signature(text=tf.constant("scalar"))
