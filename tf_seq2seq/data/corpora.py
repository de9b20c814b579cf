"""Readers for parallel text, and a split that leaks no sentence from training."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tf_seq2seq.data.pairs import Corpus, Pairs
from tf_seq2seq.errors import InputError

Pair = tuple[str, str]  # (source, target)
Files = tuple[str | os.PathLike, str | os.PathLike]  # (source, target)


def read_lines(path: str | os.PathLike) -> list[str]:
    """Reads a UTF-8 text file that holds one sentence a line.

    A line ends with LF or CRLF and with nothing else: U+0085 or U+2028 inside a sentence would
    set the two sides of a corpus off against each other. A byte order mark and white space around
    a sentence are removed; a blank line stays as an empty string, to keep its place.

    Args:
        path: the file.

    Returns:
        The sentences, one for each line.

    Raises:
        InputError: if the file cannot be read, holds a byte that is not UTF-8 (named by line
            number) or holds no sentence at all.

    Example:

    ```python
    sentences = read_lines("ptb.train.txt")
    ```
    """
    return [line.strip() for _, line in _numbered_lines(path)]


def read_parallel(source_path: str | os.PathLike, target_path: str | os.PathLike) -> Pairs:
    """Reads two files of which line `i` of the one translates line `i` of the other.

    A line that is blank on one side or on both stays in its place; the pipeline drops and counts
    such pairs.

    Args:
        source_path: the source sentences, one a line.
        target_path: the target sentences, one a line.

    Returns:
        The sentence pairs, in the order of the files.

    Raises:
        InputError: if a file is unfit (see `read_lines`) or the line counts differ.

    Example:

    ```python
    train = read_parallel("train.de", "train.en")
    ```
    """
    source, target = read_lines(source_path), read_lines(target_path)
    if len(source) != len(target):
        raise InputError(
            f"{source_path} has {len(source)} lines and {target_path} has {len(target)}: give two "
            "files in which every line translates the same line of the other."
        )
    return Pairs(source, target)


def read_tab_separated(path: str | os.PathLike) -> Pairs:
    """Reads a file of `source<TAB>target` lines, such as Tatoeba's from manythings.org/anki.

    Columns after the second (Tatoeba's attribution) are ignored, and so are blank lines.

    Args:
        path: the file.

    Returns:
        The sentence pairs, in the order of the file.

    Raises:
        InputError: if the file is unfit (see `read_lines`) or a line has a single column.

    Example:

    ```python
    corpus = split(read_tab_separated("cmn.txt"), dev=500, test=1000)
    ```
    """
    source, target = [], []
    for number, line in _numbered_lines(path):
        if not line.strip():
            continue
        columns = line.split("\t")
        if len(columns) < 2:
            raise InputError(
                f"{path}, line {number}, has one column ({_shortened(line)!r}): separate source "
                "and target by a tab."
            )
        source.append(columns[0].strip())
        target.append(columns[1].strip())
    return Pairs(source, target)


def files(
    source: str | os.PathLike,
    target: str | os.PathLike,
    dev: int | Files = 500,
    test: int | Files = 1000,
    seed: int = 1,
) -> Corpus:
    """Makes a corpus of any two files of which line `i` of the one translates that of the other.

    Args:
        source: the source sentences, one a line.
        target: the target sentences, one a line.
        dev: the development part: how many pairs to split off (see `split`), or the two files, of
            source and target, that hold it.
        test: the test part, in the same way.
        seed: of the split.

    Returns:
        The corpus. Parts that come from files of their own are taken as they are: whether they
        share a sentence with the training files is for their author to know.

    Raises:
        InputError: if a file is unfit (see `read_parallel`) or the sizes are (see `split`).

    Example:

    ```python
    corpus = files("train.de", "train.en", dev=("val.de", "val.en"), test=1000)
    ```
    """
    parts = {"dev": dev, "test": test}
    given = {
        name: read_parallel(*part) for name, part in parts.items() if not isinstance(part, int)
    }
    sizes = {name: 0 if name in given else part for name, part in parts.items()}
    return split(read_parallel(source, target), **sizes, seed=seed)._replace(**given)


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


def _numbered_lines(path: str | os.PathLike) -> list[tuple[int, str]]:
    """The lines of a UTF-8 file without their ends, counted from 1."""
    lines = []
    try:
        with Path(path).expanduser().open("rb") as file:
            for number, line in enumerate(file, start=1):
                # Only the first line can hold a byte order mark; elsewhere U+FEFF is text.
                encoding = "utf-8-sig" if number == 1 else "utf-8"
                lines.append((number, line.decode(encoding).rstrip("\r\n")))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}, line {number}, holds the byte 0x{error.object[error.start]:02x}, which is "
            "not UTF-8: convert the file, for instance with `iconv -f GB18030 -t UTF-8`."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check the path.") from None
    if not any(line.strip() for _, line in lines):
        raise InputError(f"{path} holds no sentence: give a file with one sentence a line.")
    return lines


def _shortened(text: str, length: int = 40) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
