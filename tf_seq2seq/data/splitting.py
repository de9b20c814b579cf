"""A split of a corpus that leaks no sentence from training."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable

from tf_seq2seq.data.corpus import Corpus, Pairs
from tf_seq2seq.errors import InputError

Pair = tuple[str, str]  # (source, target)


def split(pairs: Pairs, dev: int, test: int, seed: int = 1) -> Corpus:
    """Splits off held-out parts of which no sentence, source or target, occurs elsewhere.

    A sentence often has several translations, and a translation several sources. Pairs that share
    a sentence on either side, directly or through a chain of other pairs, form a group, and a
    group goes to one part as a whole: no source and no target sentence of a held-out part occurs
    in another part, white space at the ends aside.

    Groups are drawn at random into a held-out part while they fit. A part so has at most the size
    asked for, and exactly that size wherever groups are left that are small enough to fill it. A
    group larger than a held-out part, or with a blank sentence in it, stays in training.

    Args:
        pairs: the corpus to split.
        dev: the number of pairs of the development part; 0 for none.
        test: the number of pairs of the test part; 0 for none.
        seed: of the draw; the same seed gives the same split.

    Returns:
        The three parts. `train` keeps the order of `pairs` and its repeated pairs; `dev` and
        `test` hold each pair once, in random order, so that a slice of them is a fair sample.

    Raises:
        InputError: if a size is negative or the corpus is too small for the sizes.

    Example:

    ```python
    pairs = Pairs(["Hi.", "Hi.", "Run!", "Go!"], ["嗨。", "你好。", "跑！", "走吧！"])
    corpus = split(pairs, dev=1, test=1)  # both pairs of "Hi." are in `corpus.train`
    ```
    """
    if dev < 0 or test < 0:
        raise InputError(f"Cannot hold out dev={dev} and test={test} pairs: give 0 or more.")

    stripped = [(source.strip(), target.strip()) for source, target in pairs]
    groups = _linked_groups(stripped)
    random.Random(seed).shuffle(groups)
    dev_part, groups_left = _draw(groups, dev)
    test_part, _ = _draw(groups_left, test)
    held_out = {*dev_part, *test_part}
    train_part = [pair for pair in stripped if pair not in held_out]

    if (dev and not dev_part) or (test and not test_part) or not train_part:
        raise InputError(
            f"Cannot split {len(pairs)} pairs, {len(groups)} groups without a sentence in common, "
            f"into dev={dev}, test={test} and a rest to train on: ask for smaller parts or give "
            "more pairs."
        )
    return Corpus(*(_as_pairs(part) for part in (train_part, dev_part, test_part)))


def _linked_groups(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """Groups the distinct pairs into connected components, sentences being the nodes."""
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node):
        while parent.setdefault(node, node) != node:
            # Each step halves the path for those who come later, which keeps look-ups short.
            parent[node] = node = parent[parent[node]]
        return node

    distinct = list(dict.fromkeys(pairs))
    for source, target in distinct:
        parent[root(("source", source))] = root(("target", target))

    groups = defaultdict(list)
    for pair in distinct:
        groups[root(("source", pair[0]))].append(pair)
    return list(groups.values())


def _draw(groups: list[list[Pair]], size: int) -> tuple[list[Pair], list[list[Pair]]]:
    """Takes groups in their order while they fit into `size` pairs: (pairs taken, groups left)."""
    taken, left = [], []
    for group in groups:
        has_blank = any(not sentence for pair in group for sentence in pair)
        if len(taken) + len(group) <= size and not has_blank:
            taken += group
        else:
            left.append(group)
    return taken, left


def _as_pairs(pairs: list[Pair]) -> Pairs:
    return Pairs([source for source, _ in pairs], [target for _, target in pairs])
