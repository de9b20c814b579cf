"""A tokenizer for subwords, pieces of words that are learned by byte-pair encoding."""

from __future__ import annotations

import collections
import heapq
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_text as tf_text

from tf_seq2seq.checks import check_flag, check_integer
from tf_seq2seq.text.tokenizer import Rules, Tokenizer, not_empty, tokenize_lines
from tf_seq2seq.text.vocabulary import (
    MOST_DISTINCT,
    SPECIALS,
    Vocabulary,
    check_max_size,
    count_tokens,
)
from tf_seq2seq.text.words import JOINER, word_rules

CONTINUATION = "##"
"""The prefix of a token that continues a word."""


class SubwordTokenizer(Tokenizer):
    """Split text into words like `WordTokenizer`, and each word into the longest known pieces.

    The pieces are learned from a corpus by byte-pair encoding; a word is split as in WordPiece,
    the longest piece first. Pieces that continue a word begin with `##`: `unhappy.` may become
    `un ##happy ￭.`. Each character that is not in the corpus becomes `<unk>`.

    Args:
        lowercase: whether `normalize` lowercases the text.
        elision: see `WordTokenizer`.

    Source: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units"
    (pieces); Wu et al. 2016, "Google's Neural Machine Translation System", section 4.1 (WordPiece).

    Example:

    >>> tokenizer = SubwordTokenizer()
    >>> tokenizer.adapt(["the book", "the books", "the note", "the notebooks"] * 2, max_size=24)
    >>> tokens = tokenizer.tokenize(["the books"])
    >>> print(*[token.decode() for token in tokens[0].numpy()])
    the book ##s
    """

    def __init__(self, lowercase: bool = False, elision: bool = False):
        super().__init__(lowercase)
        self.elision = check_flag("elision", elision)

    @property
    def rules(self) -> Rules:
        """The rules for words, and for joining their pieces."""
        rules = word_rules(self.elision)
        return rules._replace(detokenize=((f"(^| ){CONTINUATION}", ""), *rules.detokenize))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "elision": self.elision}

    def tokenize(self, text: tf.Tensor | list[str]) -> tf.RaggedTensor:
        """Normalize the text and split it into pieces (see `Tokenizer.tokenize`)."""
        _ = self.vocabulary  # raises if there is none
        words = super().tokenize(text)
        # Splitting a word takes longer than looking it up, and a batch repeats many words.
        distinct, index = tf.unique(words.values)
        pieces = tf.gather(self._wordpiece.tokenize(distinct), index)
        return words.with_values(pieces).merge_dims(1, 2)

    def adapt(
        self, lines: Iterable[str], max_size: int | None = 8000, min_count: int | None = None
    ) -> None:
        """Learn the pieces from a text, which is read once, in chunks of lines.

        A text of any length takes little memory: whenever it has more than 500,000 distinct
        words, those that were rarest so far are not learned from (see `count_tokens`). Their
        characters count.

        Args:
            lines: the text, any iterable of strings.
            max_size: the maximum number of tokens, including the four special ones; `None` for no
                limit.
            min_count: characters that occur less often are left out, and pairs that occur less
                often are not joined. By default 2, but a short text, where more than one character
                in twenty occurs only once, keeps all its characters.

        Raises:
            InputError: if no token of the text occurs often enough, or `max_size` is less than 5.
        """
        max_size = check_max_size(max_size)
        characters: collections.Counter[str] = collections.Counter()
        token_lists = tokenize_lines(lines, super().tokenize)
        words = count_tokens(
            token_lists, MOST_DISTINCT, drop=lambda rare: count_characters(rare, characters)
        )
        limit = None if max_size is None else max_size - len(SPECIALS)
        pieces = learn_pieces(words, limit, min_count, characters)
        self.set_vocabulary(not_empty(Vocabulary(pieces)))

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Use an existing vocabulary of pieces instead of learning one with `adapt`."""
        super().set_vocabulary(vocabulary)
        # With `split_unknown_characters`, the rest of a word is kept around an unknown character.
        # `max_chars_per_token` bounds the search: even a word of 100 kB takes linear time.
        self._wordpiece = tf_text.WordpieceTokenizer(
            self._token_to_id,
            suffix_indicator=CONTINUATION,
            max_bytes_per_word=2**31 - 1,
            max_chars_per_token=max(map(len, vocabulary)),
            token_out_type=tf.string,
            unknown_token=None,
            split_unknown_characters=True,
        )

    @property
    def markers(self) -> str:
        """A regular expression for the continuation prefix and the joiner."""
        return f"^{CONTINUATION}|{JOINER}"

    def starts_word(self, tokens: tf.Tensor) -> tf.Tensor:
        """Return whether each token begins a word (see `Tokenizer.starts_word`)."""
        return ~tf.strings.regex_full_match(tokens, f"{CONTINUATION}.*")


def learn_pieces(
    words: Mapping[str, int],
    limit: int | None,
    min_count: int | None = None,
    others: Mapping[str, int] | None = None,
) -> list[str]:
    """Learn pieces by byte-pair encoding: start from characters, and join the most frequent pair.

    Ties are broken by code point order, so the same words always give the same pieces. Words of
    more than `LONGEST` characters are cut into parts of that length first. (TensorFlow
    Text's `wordpiece_tokenizer_learner_lib` hits the requested size only to within a few percent,
    and takes 80 seconds for the German half of Multi30k, where this function takes 4.)

    Args:
        words: the count of each word.
        limit: the maximum number of pieces; `None` for no limit.
        min_count: the minimum count of a piece; `None` as for `SubwordTokenizer.adapt`.
        others: the count of each character of other words, see `count_characters`.

    Returns:
        The pieces: the characters by descending count, then the joined ones in the order in which
        they were found.

    Example:

    >>> learn_pieces({"abab": 2, "ab": 1, "cab": 1}, limit=6, min_count=1)
    ['##b', '##a', 'a', 'c', '##ab', 'ab']

    Source:
        Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units",
        section 3.2.
    """
    characters = count_characters(words, collections.Counter(others or {}))
    splits = [(part, count) for word, count in words.items() for part in _parts(word)]
    if min_count is None:
        single = sum(count == 1 for count in characters.values())
        least, min_count = 1 if 20 * single > characters.total() else 2, 2
    else:
        least = min_count = check_integer("min_count", min_count)
    ranked = sorted(characters.items(), key=lambda item: (-item[1], item[0]))
    pieces = dict.fromkeys([piece for piece, count in ranked if count >= least][:limit])
    # Ignore words with a character that was left out.
    splits = [(split, count) for split, count in splits if all(p in pieces for p in split)]

    pair_counts: collections.Counter[tuple[str, str]] = collections.Counter()
    where = collections.defaultdict(set)  # pair -> indices of `splits` where it may occur
    for place, (split, count) in enumerate(splits):
        for pair in itertools.pairwise(split):
            pair_counts[pair] += count
            where[pair].add(place)
    queue = [(-count, pair) for pair, count in pair_counts.items()]
    heapq.heapify(queue)

    while queue and (limit is None or len(pieces) < limit):
        negative_count, best = heapq.heappop(queue)
        if -negative_count != pair_counts[best]:  # the count has changed since it was queued
            continue
        if -negative_count < min_count:
            break
        joined = best[0] + best[1].removeprefix(CONTINUATION)
        pieces[joined] = None
        changed = set()
        for place in where.pop(best):
            split, count = splits[place]
            for pair in itertools.pairwise(split):
                pair_counts[pair] -= count
                changed.add(pair)
            split[:] = _join_pair(split, best, joined)
            for pair in itertools.pairwise(split):
                pair_counts[pair] += count
                where[pair].add(place)
                changed.add(pair)
        for pair in changed:
            if pair_counts[pair]:
                heapq.heappush(queue, (-pair_counts[pair], pair))
    return list(pieces)


def count_characters(
    words: Mapping[str, int], characters: collections.Counter[str]
) -> collections.Counter[str]:
    """Add the characters of words to a counter, as the pieces to start from, and return it.

    Args:
        words: the count of each word.
        characters: the counter.

    Example:

    >>> dict(count_characters({"aba": 2}, collections.Counter(a=1)))
    {'a': 3, '##b': 2, '##a': 2}
    """
    for word, count in words.items():
        for part in _parts(word):
            for piece in part:
                characters[piece] += count
    return characters


LONGEST = 64
"""The number of characters to which a word is cut before its pieces are learned. Each merge reads
the whole word: with a word of 10,000 letters, or a line without spaces, it would take minutes."""


def _parts(word: str) -> Iterator[list[str]]:
    """Split a word into characters, in parts that are not too long."""
    characters = [sys.intern(CONTINUATION + character) for character in word]  # shared: less memory
    characters[0] = word[0]
    for start in range(0, len(word), LONGEST):
        yield characters[start : start + LONGEST]


def _join_pair(split: list[str], pair: tuple[str, str], joined: str) -> Iterator[str]:
    """Yield the pieces of `split`, with `joined` in place of each `pair`."""
    position = 0
    while position < len(split):
        if tuple(split[position : position + 2]) == pair:
            yield joined
            position += 2
        else:
            yield split[position]
            position += 1
