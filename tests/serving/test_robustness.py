"""An exported model answers any input, and no row affects the others in its batch."""

import itertools

import numpy as np
import pytest

from tf_seq2seq import serving, text
from tf_seq2seq.serving.signatures import signatures_of

SENTENCES = ["a b c", "d e. f", "b", "g h a b c d"]
NASTY = [
    "",
    " \t\n\r\u3000",
    "a" * 10_000,
    "b c d. " * 15_000,  # 100 kB
    b"\xff\xfe a \x80",
    b"\xc3",
    "\0",
    "a\0b\0",
    "🙂👩‍👩‍👧‍👦🇨🇳",
    "a\u0301\u0327" * 50,
    "שלום \u202eabc\u202c مرحبا",
    "zebra xylophone quux",
    "<pad> <sos> <eos> <unk>",
]
TOKENIZERS = [text.WordTokenizer, text.SubwordTokenizer, text.CharacterTokenizer]
SYSTEMS = ["initial_state", "context_and_previous", "additive_previous", "dot_previous"]


NUMBERS = ("score", "scores", "alignment", "context", "log_probability")


def random_bytes(count, seed=0):
    """Return byte strings: arbitrary bytes, or letters, blanks and characters of the vocabulary."""
    rng = np.random.default_rng(seed)
    letters = [*"abcdefgh .,", "é", "甲", "🙂", "\0", "\u0301", "##", "<eos>"]
    strings = []
    for i in range(count):
        size = int(rng.integers(0, 40))
        if i % 2:
            strings.append(rng.integers(0, 256, size).astype(np.uint8).tobytes())
        else:
            strings.append("".join(rng.choice(letters, size)).encode())
    return strings


def calls_for(signatures, texts, targets):
    second = {"score": {"target": targets}, "complete": {"prefix": targets}}
    return [(name, {"text": texts} | second.get(name.split("_")[0], {})) for name in signatures]


def rows_of(outputs, rows):
    """Return some rows of outputs, without their padding."""
    found = []
    for row in rows:
        one = {name: values[row] for name, values in outputs.items()}
        if "source_length" in one:
            width = one["source_length"]
            one["source_tokens"] = one["source_tokens"][:width]
        if "target_length" in one:
            height = one["target_length"]
            one["target_tokens"] = one["target_tokens"][:height]
            if "alignment" in one:
                one["alignment"] = [weights[:width] for weights in one["alignment"][:height]]
        if "target_lengths" in one:
            heights = one["target_lengths"]
            pairs = zip(one["target_tokens"], heights, strict=True)
            one["target_tokens"] = [tokens[:height] for tokens, height in pairs]
            for n, height in enumerate(heights if "alignments" in one else []):
                one[f"alignment {n}"] = [w[:width] for w in one["alignments"][n][:height]]
            one.pop("alignments", None)
        found.append(one)
    return found


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            if name.partition(" ")[0] in NUMBERS:
                np.testing.assert_allclose(one[name], other[name], atol=1e-5, err_msg=name)
            else:
                assert one[name] == other[name], name


PAIRS = [
    pytest.param(system, tokenizer, id=f"{system}-{tokenizer.__name__}", marks=pytest.mark.slow)
    for system, tokenizer in itertools.product(SYSTEMS, TOKENIZERS)
]


@pytest.mark.parametrize(("system", "tokenizer"), PAIRS)
@pytest.mark.usefixtures("no_fresh_process")
def test_any_bytes_leave_other_rows_alone(system, tokenizer, exports):
    translator, path = exports(system, tokenizer)
    names = list(signatures_of(translator))
    # The outputs of the other signatures are a subset of these.
    detailed = [name for name in names if name.endswith("details") or name == "encode"]
    texts = [*NASTY, *random_bytes(3000)]
    size = 500
    targets = ["甲"] * len(SENTENCES)
    calls = calls_for(names, SENTENCES, targets)
    for first in range(0, len(texts), size):
        part = texts[first : first + size]
        targets_of_part = [*targets, *(text[:60] for text in part)]
        calls += calls_for(detailed, [*SENTENCES, *part], targets_of_part)
    calls += calls_for(names, ["a"] * 256, ["甲"] * 256)
    results = serving.run_calls(path, calls)

    assert len(results) == len(calls), results[-1]
    alone = dict(zip(names, results[: len(names)], strict=True))
    rows = range(len(SENTENCES))
    for (name, inputs), result in zip(calls, results, strict=True):
        assert isinstance(result, dict), (name, result)
        assert all(len(values) == len(inputs["text"]) for values in result.values())
        if inputs["text"][0] == SENTENCES[0]:
            assert_same(rows_of(result, rows), rows_of(alone[name], rows))


def assert_score(actual, expected):
    """Compare sums of float32 terms, which batches of other sizes round differently."""
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(("system", "tokenizer"), PAIRS)
@pytest.mark.usefixtures("no_fresh_process")
def test_500_sentences_in_any_batches(system, tokenizer, exports):
    translator, path = exports(system, tokenizer)
    rng = np.random.default_rng(1)
    words = [*"abcdefgh", "zz", ".", ","]
    sentences = [" ".join(rng.choice(words, rng.integers(1, 12))) for _ in range(500)]
    given = ["".join(rng.choice([*"甲乙丙丁戊"], rng.integers(1, 8))) for _ in sentences]
    bounds = [0, 1, 3, 40, 41, 200, 500]  # batches of many sizes
    names = list(signatures_of(translator))
    calls = [
        call
        for first, last in itertools.pairwise(bounds)
        for call in calls_for(names, sentences[first:last], given[first:last])
    ]
    results = serving.run_calls(path, calls)
    greedy, scored = translator(sentences), translator.score(sentences, given)
    beam = translator.n_best(sentences, beam_width=5, n_best=5)
    contexts = translator.encode_graph(np.array(sentences, object))["context"].numpy()

    rows = {name: [] for name in names}
    for (name, inputs), result in zip(calls, results, strict=True):
        rows[name] += rows_of(result, range(len(inputs["text"])))
    for i in range(500):
        assert rows["serving_default"][i]["translation"] == greedy[i].text
        assert_score(rows["serving_default"][i]["score"], greedy[i].score)
        assert rows["beam"][i]["translations"] == [t.text for t in beam[i]]
        assert_score(rows["beam"][i]["scores"], [t.score for t in beam[i]])
        assert_score(rows["score"][i]["log_probability"], scored[i].score)
        np.testing.assert_allclose(rows["encode"][i]["context"], contexts[i], atol=1e-5)
        assert rows["details"][i]["translation"] == greedy[i].text
        if translator.aligns:
            np.testing.assert_allclose(
                rows["details"][i]["alignment"], greedy[i].alignment, atol=1e-5
            )
