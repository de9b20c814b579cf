"""Splitting a corpus into parts that share no sentences."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tf_seq2seq.checks import check_integer
from tf_seq2seq.data.corpus import Corpus, Pairs
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import in_chunks
from tf_seq2seq.strings import is_blank

Pair = tuple[str, str]  # (source, target)


def split(pairs: Pairs, dev: int, test: int, seed: int = 1) -> Corpus:
    """Split off held-out parts whose sentences, source and target, occur in no other part.

    Many sentences have several translations, and many translations several sources. Pairs that
    share a sentence on either side, directly or through a chain of other pairs, form a group, and
    each group is assigned to one part as a whole. No source or target sentence of a held-out part
    therefore occurs in another part. Sentences are compared in NFC, in lower case and with only the
    spaces that `ChineseTokenizer` keeps, because tokenizers do not see other differences.

    Groups are added to a held-out part in random order as long as they fit. The part therefore has
    at most the requested size, and exactly that size if there are enough small groups to fill it.
    Groups that are larger than a held-out part, or contain a blank sentence, stay in the training
    part.

    Args:
        pairs: the corpus to split.
        dev: the number of pairs in the development part; 0 for none.
        test: the number of pairs in the test part; 0 for none.
        seed: the same seed gives the same split.

    Returns:
        The three parts. `train` keeps the order of `pairs`, including repeated pairs. `dev` and
        `test` contain each pair once, in random order, so that a slice of them is a random sample.

    Raises:
        InputError: if a size is negative or the corpus is too small for the sizes.

    Example:

    >>> pairs = Pairs(["Hi.", "Hi.", "Run!", "Go!"], ["嗨。", "你好。", "跑！", "走吧！"])
    >>> split(pairs, dev=1, test=1).train  # both pairs of "Hi."
    Pairs(source=('Hi.', 'Hi.'), target=('嗨。', '你好。'))
    """
    dev, test = check_integer("dev", dev, minimum=0), check_integer("test", test, minimum=0)
    seed = check_integer("seed", seed)

    stripped = [(source.strip(), target.strip()) for source, target in pairs]
    if not (dev or test) and stripped:
        return Corpus(_as_pairs(stripped), Pairs([], []), Pairs([], []))
    # Variants of a sentence join their groups after the shuffle, so that a few of them do not
    # change the whole split.
    groups = _linked_groups(stripped, stripped)
    random.Random(seed).shuffle(groups)
    shuffled = [pair for group in groups for pair in group]
    groups = _linked_groups(shuffled, _as_seen(shuffled))
    dev_part, groups_left = _draw(groups, dev)
    test_part, _ = _draw(groups_left, test)
    held_out = {*dev_part, *test_part}
    train_part = [pair for pair in stripped if pair not in held_out]

    if (dev and not dev_part) or (test and not test_part) or not train_part:
        raise InputError(
            f"Cannot split {len(pairs)} pairs, which form {len(groups)} groups that share "
            f"no sentences, into dev={dev}, test={test} and a training part: reduce the sizes or "
            "pass more pairs."
        )
    return Corpus(*(_as_pairs(part) for part in (train_part, dev_part, test_part)))


def _as_seen(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs as tokenizers see them; the Chinese tokenizer deletes the most spaces."""
    # Slow to import, because of TensorFlow.
    from tf_seq2seq.text import ChineseTokenizer

    normalize = ChineseTokenizer(lowercase=True).normalize

    def normalized(texts):
        return [text.decode() for chunk in in_chunks(texts) for text in normalize(chunk).numpy()]

    source, target = (normalized(pair[side] for pair in pairs) for side in (0, 1))
    return list(zip(source, target, strict=True))


def _linked_groups(pairs: Iterable[Pair], keys: Iterable[Pair]) -> list[list[Pair]]:
    """Group the distinct pairs into connected components; the sentences of the keys are the nodes.

    Args:
        pairs: the pairs.
        keys: for each pair, the sentences to compare.
    """
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node):
        while parent.setdefault(node, node) != node:
            # Path halving: each lookup shortens the path for later lookups.
            parent[node] = node = parent[parent[node]]
        return node

    distinct = dict(zip(pairs, keys, strict=True))
    for source, target in distinct.values():
        parent[root(("source", source))] = root(("target", target))

    groups = defaultdict(list)
    for pair, (source, _) in distinct.items():
        groups[root(("source", source))].append(pair)
    return list(groups.values())


def _draw(groups: list[list[Pair]], size: int) -> tuple[list[Pair], list[list[Pair]]]:
    """Take groups in order as long as they fit in `size` pairs: (pairs taken, groups left)."""
    taken: list[Pair] = []
    left: list[list[Pair]] = []
    for group in groups:
        has_blank = any(is_blank(sentence) for pair in group for sentence in pair)
        if len(taken) + len(group) <= size and not has_blank:
            taken += group
        else:
            left.append(group)
    return taken, left


def _as_pairs(pairs: list[Pair]) -> Pairs:
    return Pairs([source for source, _ in pairs], [target for _, target in pairs])
