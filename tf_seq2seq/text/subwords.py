"""Subwords: pieces of words, learned by byte-pair encoding."""

from __future__ import annotations

import collections
import heapq
import itertools
from collections.abc import Iterable, Iterator

import tensorflow as tf
import tensorflow_text as tf_text

from tf_seq2seq.strings import CONTINUATION, JOINER
from tf_seq2seq.text.tokenizer import Tokenizer, not_empty, tokenize_lines
from tf_seq2seq.text.vocabulary import SPECIALS, Vocabulary, check_max_size
from tf_seq2seq.text.words import WORD_RULES


class SubwordTokenizer(Tokenizer):
    """The words of `WordTokenizer`, cut into the longest pieces that the vocabulary has.

    The pieces are learned from the corpus by byte-pair encoding (Sennrich et al. 2016); a word is
    cut by WordPiece, longest piece first (Wu et al. 2016). Pieces within a word begin with `##`:
    `unhappy.` may be `un ##happy ￭.`. Characters that the corpus lacks become `<unk>`, one each.

    Args:
        lowercase: whether `normalize` turns the text into lower case.

    Example:

    >>> tokenizer = SubwordTokenizer()
    >>> tokenizer.adapt(["the book", "the books", "the note", "the notebooks"] * 2, max_size=24)
    >>> tokens = tokenizer.tokenize(["the books"])
    >>> print(*[token.decode() for token in tokens[0].numpy()])
    the book ##s
    """

    rules = WORD_RULES._replace(detokenize=((f"(^| ){CONTINUATION}", ""), *WORD_RULES.detokenize))

    def tokenize(self, text) -> tf.RaggedTensor:
        self._check_adapted()
        words = super().tokenize(text)
        # Cutting a word costs more than finding it again, and a batch has many words twice.
        distinct, index = tf.unique(words.values)
        pieces = tf.gather(self._wordpiece.tokenize(distinct), index)
        return words.with_values(pieces).merge_dims(1, 2)

    def adapt(self, lines: Iterable[str], max_size: int | None = 8000, min_count: int = 2) -> None:
        """Learns the pieces from a text, which is read once, a chunk of lines at a time.

        Args:
            lines: the text, any iterable of strings.
            max_size: the largest number of pieces, with the four special ones.
            min_count: characters that are rarer are left out, and pieces that are rarer are not
                put together.

        Raises:
            InputError: if the text has no token, or `max_size` has no room for one.
        """
        check_max_size(max_size)
        words = collections.Counter()
        for tokens in tokenize_lines(lines, super().tokenize):
            words.update(tokens)
        limit = None if max_size is None else max_size - len(SPECIALS)
        self.set_vocabulary(not_empty(Vocabulary(learn_pieces(words, limit, min_count))))

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        super().set_vocabulary(vocabulary)
        # `split_unknown_characters` leaves the known rest of a word readable. The length of the
        # longest piece bounds the search, so that even a word of 100 kB takes linear time.
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
        return f"^{CONTINUATION}|{JOINER}"

    def starts_word(self, tokens):
        return ~tf.strings.regex_full_match(tokens, f"{CONTINUATION}.*")


def learn_pieces(words: dict[str, int], limit: int | None, min_count: int) -> list[str]:
    """Byte-pair encoding: from characters upwards, joins the most frequent pair of neighbours.

    Of equally frequent pairs the first in code point order is joined, so the same words give the
    same pieces. (TensorFlow Text's `wordpiece_tokenizer_learner_lib` learns pieces too, but meets
    a size only to within some percent, and takes 80 seconds over the German half of Multi30k
    where this takes 4.)

    Args:
        words: how often each word occurs.
        limit: the largest number of pieces; `None` for no limit.
        min_count: how often a piece must occur.

    Returns:
        The pieces: the characters by descending count, then the joined ones as they were found.
    """
    splits = [([word[0], *(CONTINUATION + c for c in word[1:])], words[word]) for word in words]
    characters = collections.Counter()
    for split, count in splits:
        for piece in split:
            characters[piece] += count
    ranked = sorted(characters.items(), key=lambda item: (-item[1], item[0]))
    pieces = dict.fromkeys([piece for piece, count in ranked if count >= min_count][:limit])
    # A word with a character that is left out is not learned from.
    splits = [(split, count) for split, count in splits if all(p in pieces for p in split)]

    pair_counts = collections.Counter()
    where = collections.defaultdict(set)  # pair -> the places in `splits` that may hold it
    for place, (split, count) in enumerate(splits):
        for pair in itertools.pairwise(split):
            pair_counts[pair] += count
            where[pair].add(place)
    queue = [(-count, pair) for pair, count in pair_counts.items()]
    heapq.heapify(queue)

    while queue and (limit is None or len(pieces) < limit):
        negative_count, best = heapq.heappop(queue)
        if -negative_count != pair_counts[best]:  # It has changed, and was queued anew.
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


def _join_pair(split: list[str], pair: tuple[str, str], joined: str) -> Iterator[str]:
    """Yields the pieces of `split`, with `joined` wherever `pair` stood."""
    position = 0
    while position < len(split):
        if tuple(split[position : position + 2]) == pair:
            yield joined
            position += 2
        else:
            yield split[position]
            position += 1
