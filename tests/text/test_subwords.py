import itertools
import time

import numpy as np
import pytest
import tensorflow as tf
from texts import CORPUS, decoded

from tf_seq2seq.errors import InputError
from tf_seq2seq.text import SubwordTokenizer, Vocabulary, subwords
from tf_seq2seq.text.subwords import LONGEST, learn_pieces


def test_subword_tokens():
    tokenizer = SubwordTokenizer()
    tokenizer.set_vocabulary(
        Vocabulary(["un", "##happ", "##y", "happy", "￭", "##.", "￭,", "(", "##￭", "u", "##n"])
    )
    tokens = tokenizer.tokenize(["unhappy, (happy."])
    assert decoded(tokens) == [["un", "##happ", "##y", "￭,", "(", "##￭", "happy", "￭", "##."]]
    ids = tokenizer.encode(["unhappyzn"])
    assert tokenizer.id_to_token(ids).to_list() == [[b"un", b"##happ", b"##y", b"<unk>", b"##n"]]


def test_pieces_learned_from_three_words():
    tokenizer = SubwordTokenizer()
    tokenizer.adapt(["abab ab", "abab", "cab"], min_count=1)
    # Characters: ##b 6, ##a 3, a 3, c 1. Pairs: ##a-##b 3, a-##b 3, ##b-##a 2, c-##a 1.
    assert tokenizer.vocabulary.tokens[4:] == (
        *("##b", "##a", "a", "c"),
        *("##ab", "ab", "abab", "cab"),
    )


def test_vocabulary_has_the_requested_size():
    for size in (5, 30, 60):
        tokenizer = SubwordTokenizer()
        tokenizer.adapt(CORPUS, max_size=size, min_count=1)
        assert tokenizer.vocabulary_size == size


def test_pieces_in_any_order():
    pieces = tf.ragged.constant([["##ing", "go", "##ing", "###", "￭.", "##￭", "x"], []])
    assert SubwordTokenizer().detokenize(pieces).numpy().tolist() == [b"ing going#.x", b""]


def joined_one_by_one(words, limit, min_count):
    """Learn pieces by counting all pairs again after each merge."""
    splits = {word: [word[0], *("##" + c for c in word[1:])] for word in words}
    counts = {}
    for word, split in splits.items():
        for piece in split:
            counts[piece] = counts.get(piece, 0) + words[word]
    ranked = sorted(counts, key=lambda piece: (-counts[piece], piece))
    pieces = [piece for piece in ranked if counts[piece] >= min_count][:limit]
    splits = {word: split for word, split in splits.items() if set(split) <= set(pieces)}
    while limit is None or len(pieces) < limit:
        pairs = {}
        for word, split in splits.items():
            for pair in itertools.pairwise(split):
                pairs[pair] = pairs.get(pair, 0) + words[word]
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
        if best is None or pairs[best] < min_count:
            break
        merged = best[0] + best[1][2:]
        pieces.append(merged)
        for split in splits.values():
            position = 0
            while position < len(split) - 1:
                if (split[position], split[position + 1]) == best:
                    split[position : position + 2] = [merged]
                position += 1
    return list(dict.fromkeys(pieces))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("limit", "min_count"), [(None, 1), (None, 3), (12, 2), (3, 1)])
def test_pieces_equal_those_of_plain_byte_pair_encoding(seed, limit, min_count):
    draw = np.random.default_rng(seed)
    words = {
        "".join(draw.choice(list("abc"), draw.integers(1, 7))): int(draw.integers(1, 5))
        for _ in range(20)
    }
    assert learn_pieces(words, limit, min_count) == joined_one_by_one(words, limit, min_count)


def test_a_text_with_many_distinct_words(monkeypatch):
    """Words that are dropped while counting are not learned from, but their characters count."""
    monkeypatch.setattr(subwords, "MOST_DISTINCT", 50)
    rare = [f"q{number:04}" for number in range(5000)]
    lines = [f"the book {word}" for word in rare]
    tokenizer = SubwordTokenizer()
    tokenizer.adapt(lines)
    tokens = tokenizer.vocabulary.tokens
    assert {"the", "book", "q", *(f"##{digit}" for digit in range(10))} <= set(tokens)
    monkeypatch.undo()
    everything = SubwordTokenizer()
    everything.adapt(lines)
    # The counts of characters, and so their order, are those of the whole text.
    characters = [token for token in tokens if len(token.removeprefix("##")) == 1]
    assert characters == list(everything.vocabulary.tokens[4 : 4 + len(characters)])
    assert len(tokens) < everything.vocabulary_size


def test_long_words_are_learned_in_parts():
    # The same as from words of this length, except for the `##` of the parts that continue one.
    word = "ab" * LONGEST
    assert "##" + word[:LONGEST] in learn_pieces({word: 5}, None, min_count=5)
    assert word[: LONGEST + 2] not in learn_pieces({word: 5}, None, min_count=5)
    assert word[:LONGEST] in learn_pieces({word[:LONGEST]: 5}, None, min_count=5)


def test_a_word_of_10_000_letters_takes_seconds():
    draw = np.random.default_rng(1)
    word = "".join(draw.choice(list("abcdefghijklmnopqrstuvwxyz"), 10_000))
    start = time.process_time()
    tokenizer = SubwordTokenizer()
    tokenizer.adapt([word], min_count=1)
    assert time.process_time() - start < 15  # 51 s when each merge reads the whole word
    assert tokenizer.decode(tokenizer.encode([word]))[0] == word.encode()


def test_sizes():
    tokenizer = SubwordTokenizer()
    tokenizer.adapt(CORPUS, max_size=np.int64(30), min_count=np.int32(1))
    assert tokenizer.vocabulary_size == 30
    with pytest.raises(InputError, match="`max_size` must be an integer of at least 5, got True"):
        tokenizer.adapt(CORPUS, max_size=True)
    with pytest.raises(InputError, match=r"`min_count` must be an integer, got 1\.5"):
        tokenizer.adapt(CORPUS, min_count=1.5)


def test_a_short_text_keeps_all_its_characters():
    lines = ["I read.", "You read a book.", "He reads.", "We eat."]
    tokenizer = SubwordTokenizer()
    tokenizer.adapt(lines)
    assert [text.decode() for text in tokenizer.decode(tokenizer.encode(lines)).numpy()] == lines
    assert "read" in tokenizer.vocabulary
    assert "You" not in tokenizer.vocabulary  # its letters occur together only once
    tokenizer.adapt([*lines * 50, "x"])
    assert "x" not in tokenizer.vocabulary


def test_display():
    assert SubwordTokenizer().display("##ing") == "ing"
    assert SubwordTokenizer().display("￭") == "￭"
