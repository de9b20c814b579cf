"""Readers for text files: lines, and sentence pairs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence

from tf_seq2seq.data.columns import ROWS, choose_columns
from tf_seq2seq.data.corpus import Corpus, Pairs
from tf_seq2seq.data.splitting import split
from tf_seq2seq.data.text_files import read_text_lines, stream_text_lines
from tf_seq2seq.errors import InputError
from tf_seq2seq.strings import is_blank

Files = tuple[str | os.PathLike, str | os.PathLike]  # (source, target)


def read_lines(path: str | os.PathLike) -> list[str]:
    r"""Read a text file with one sentence per line.

    The file may be compressed (gzip, bzip2, xz). It is UTF-8, or UTF-16 with a byte order mark.
    LF or CRLF ends a line, or CR in a file without LF: a break at U+0085 or U+2028, which occur
    inside sentences, would misalign the two sides of a corpus. White space around a sentence is
    removed. A line that is blank, or has only characters without width, becomes an empty string,
    which keeps the lines aligned.

    Args:
        path: the file.

    Returns:
        The sentences, one per line.

    Raises:
        InputError: if the file cannot be read, is in another encoding (the message names the line
            and how to convert the file) or contains only blank lines.

    Example:

    >>> _ = (tmp_path / "a.txt").write_text(" the book \n\nis old\n")
    >>> read_lines(tmp_path / "a.txt")
    ['the book', '', 'is old']
    """
    return list(stream_lines(path))


def stream_lines(path: str | os.PathLike) -> Iterator[str]:
    r"""Yield the sentences of a text file of any size, as `read_lines` returns them.

    Args:
        path: the file.

    Raises:
        InputError: when the iteration comes to a line that is not text, or to the end without a
            sentence (see `read_lines`).

    Example:

    >>> _ = (tmp_path / "a.txt").write_text("the book\nis old\n")
    >>> tokenizer = s2s.text.WordTokenizer()
    >>> tokenizer.adapt(stream_lines(tmp_path / "a.txt"))
    >>> tokenizer.vocabulary_size
    8
    """
    found = False
    for line in stream_text_lines(path):
        sentence = _cleaned(line)
        found = found or bool(sentence)
        yield sentence
    if not found:
        raise InputError(f"{path} contains no sentences: pass a file with one sentence per line.")


def read_parallel(source_path: str | os.PathLike, target_path: str | os.PathLike) -> Pairs:
    r"""Read two parallel files: line `i` of one translates line `i` of the other.

    Lines that are blank on one side or on both are kept; `batches` drops and counts such pairs.

    Args:
        source_path: the source sentences, one per line.
        target_path: the target sentences, one per line.

    Returns:
        The sentence pairs, in the order of the files.

    Raises:
        InputError: if a file is invalid (see `read_lines`) or the line counts differ.

    Example:

    >>> _ = (tmp_path / "train.de").write_text("eins\nzwei\n")
    >>> _ = (tmp_path / "train.en").write_text("one\ntwo\n")
    >>> list(read_parallel(tmp_path / "train.de", tmp_path / "train.en"))
    [('eins', 'one'), ('zwei', 'two')]
    """
    source, target = [], []
    for source_line, target_line in stream_parallel(source_path, target_path):
        source.append(source_line)
        target.append(target_line)
    return Pairs(source, target)


def stream_parallel(
    source_path: str | os.PathLike, target_path: str | os.PathLike
) -> Iterator[tuple[str, str]]:
    r"""Yield the sentence pairs of two parallel files of any size, as `read_parallel` returns them.

    Args:
        source_path: the source sentences, one per line.
        target_path: the target sentences, one per line.

    Raises:
        InputError: when the iteration comes to a line that is not text, or to the end of one file
            before that of the other (see `read_parallel`).

    Example:

    >>> _ = (tmp_path / "train.de").write_text("eins\nzwei\n")
    >>> _ = (tmp_path / "train.en").write_text("one\ntwo\n")
    >>> next(stream_parallel(tmp_path / "train.de", tmp_path / "train.en"))
    ('eins', 'one')
    """
    source, target = stream_lines(source_path), stream_lines(target_path)
    for count, pair in enumerate(itertools.zip_longest(source, target)):
        if None in pair:
            longer = target if pair[0] is None else source
            lines = [count, count + 1 + sum(1 for _ in longer)]
            if longer is source:
                lines.reverse()
            raise InputError(
                f"{source_path} has {lines[0]} lines and {target_path} has {lines[1]}: pass two "
                "files in which line n of one translates line n of the other."
            )
        yield pair


def read_tab_separated(
    path: str | os.PathLike, columns: Sequence[int | str] | None = None
) -> Pairs:
    r"""Read a file of sentence pairs in columns, separated by tabs.

    By default, source and target are the first two columns, as in Tatoeba's files from
    manythings.org/anki, whose third column is an attribution; or the only two columns that contain
    text rather than numbers, URLs, languages or other labels. A header and blank lines are skipped.

    Args:
        path: the file.
        columns: the columns of source and target, as numbers from 1 or as names in the first line.
            `(2, 1)` swaps the direction.

    Returns:
        The sentence pairs, in the order of the file.

    Raises:
        InputError: if the file is invalid (see `read_lines`), a line has too few columns, or
            `columns` is needed because the columns with text are ambiguous.

    Warns:
        UserWarning: if a header is skipped.

    Example:

    >>> _ = (tmp_path / "cmn.txt").write_text("Hi.\t嗨。\tCC-BY 2.0\nRun!\t跑！\n", "utf-8")
    >>> list(read_tab_separated(tmp_path / "cmn.txt"))
    [('Hi.', '嗨。'), ('Run!', '跑！')]
    """
    rows = [
        (number, [_cleaned(cell) for cell in line.split("\t")])
        for number, line in enumerate(read_text_lines(path), start=1)
        if not is_blank(line)
    ]
    if not rows:
        raise InputError(f"{path} contains no sentences: pass a file of sentence pairs.")
    if columns is None:
        _check_width(path, rows, 2)
    choice = choose_columns(path, [row for _, row in rows[:ROWS]], columns)
    rows = rows[choice.has_header :]
    _check_width(path, rows, max(choice.source, choice.target) + 1)
    return Pairs([row[choice.source] for _, row in rows], [row[choice.target] for _, row in rows])


def read_corpus(
    source: str | os.PathLike,
    target: str | os.PathLike,
    dev: int | Files = 500,
    test: int | Files = 1000,
    seed: int = 1,
) -> Corpus:
    r"""Read a corpus from two parallel files; the held-out parts are split off or read from files.

    Args:
        source: the source sentences, one per line.
        target: the target sentences, one per line.
        dev: the development part: the number of pairs to split off (see `split`), or a tuple of
            two files, source and target.
        test: the test part, in the same form.
        seed: the seed of the split.

    Returns:
        The corpus. Parts that are read from files are returned as they are, even if they share
        sentences with the training files.

    Raises:
        InputError: if a file is invalid (see `read_parallel`), or if a size is invalid (see
            `split`).

    Example:

    >>> source, target = tmp_path / "train.de", tmp_path / "train.en"
    >>> _ = source.write_text("eins\nzwei\ndrei\n"), target.write_text("one\ntwo\nthree\n")
    >>> corpus = read_corpus(source, target, dev=1, test=(source, target))
    >>> [len(part) for part in corpus]
    [2, 1, 3]
    """
    sizes: dict[str, int] = {}
    given: dict[str, Pairs] = {}
    for name, part in (("dev", dev), ("test", test)):
        if isinstance(part, tuple | list):
            sizes[name], given[name] = 0, read_parallel(*part)
        else:
            sizes[name] = part
    return split(read_parallel(source, target), **sizes, seed=seed)._replace(**given)


def _cleaned(text: str) -> str:
    return "" if is_blank(text) else text.strip()


def _check_width(path, rows: Sequence[tuple[int, Sequence[str]]], width: int) -> None:
    """Refuse rows with fewer than `width` columns."""
    for number, row in rows:
        if len(row) < width:
            found = "only one column" if len(row) == 1 else f"only {len(row)} columns"
            raise InputError(
                f"{path}, line {number}, has {found} ({_shortened(row[0])!r}): separate source "
                "and target with a tab."
            )


def _shortened(text: str, length: int = 40) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
