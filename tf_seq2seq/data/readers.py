"""Readers of text files: lines, and pairs of sentences."""

from __future__ import annotations

import os
from pathlib import Path

from tf_seq2seq.data.corpus import Corpus, Pairs
from tf_seq2seq.data.splitting import split
from tf_seq2seq.errors import InputError

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


def read_corpus(
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
    corpus = read_corpus("train.de", "train.en", dev=("val.de", "val.en"), test=1000)
    ```
    """
    parts = {"dev": dev, "test": test}
    given = {
        name: read_parallel(*part) for name, part in parts.items() if not isinstance(part, int)
    }
    sizes = {name: 0 if name in given else part for name, part in parts.items()}
    return split(read_parallel(source, target), **sizes, seed=seed)._replace(**given)


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
