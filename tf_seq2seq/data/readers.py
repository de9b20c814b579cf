"""Readers for text files: lines, and sentence pairs."""

from __future__ import annotations

import os
from pathlib import Path

from tf_seq2seq.data.corpus import Corpus, Pairs
from tf_seq2seq.data.splitting import split
from tf_seq2seq.errors import InputError

Files = tuple[str | os.PathLike, str | os.PathLike]  # (source, target)


def read_lines(path: str | os.PathLike) -> list[str]:
    r"""Read a UTF-8 text file with one sentence per line.

    Only LF and CRLF end a line: a break at U+0085 or U+2028, which occur inside sentences, would
    misalign the two sides of a corpus. A byte order mark and white space around a sentence are
    removed. A blank line becomes an empty string, which keeps the lines aligned.

    Args:
        path: the file.

    Returns:
        The sentences, one per line.

    Raises:
        InputError: if the file cannot be read, is not UTF-8 (the message names the line) or
            contains only blank lines.

    Example:

    >>> _ = (tmp_path / "a.txt").write_text(" the book \n\nis old\n")
    >>> read_lines(tmp_path / "a.txt")
    ['the book', '', 'is old']
    """
    return [line.strip() for _, line in _numbered_lines(path)]


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
    source, target = read_lines(source_path), read_lines(target_path)
    if len(source) != len(target):
        raise InputError(
            f"{source_path} has {len(source)} lines and {target_path} has {len(target)}: pass two "
            "files in which line n of one translates line n of the other."
        )
    return Pairs(source, target)


def read_tab_separated(path: str | os.PathLike) -> Pairs:
    r"""Read a file of `source<TAB>target` lines, such as Tatoeba's from manythings.org/anki.

    Columns after the second (Tatoeba's attribution) and blank lines are ignored.

    Args:
        path: the file.

    Returns:
        The sentence pairs, in the order of the file.

    Raises:
        InputError: if the file is invalid (see `read_lines`) or a line has only one column.

    Example:

    >>> _ = (tmp_path / "cmn.txt").write_text("Hi.\t嗨。\tCC-BY 2.0\nRun!\t跑！\n", "utf-8")
    >>> list(read_tab_separated(tmp_path / "cmn.txt"))
    [('Hi.', '嗨。'), ('Run!', '跑！')]
    """
    source, target = [], []
    for number, line in _numbered_lines(path):
        if not line.strip():
            continue
        columns = line.split("\t")
        if len(columns) < 2:
            raise InputError(
                f"{path}, line {number}, has only one column ({_shortened(line)!r}): separate "
                "source and target with a tab."
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


def _numbered_lines(path: str | os.PathLike) -> list[tuple[int, str]]:
    """Return the lines of a UTF-8 file without their line breaks, numbered from 1."""
    lines = []
    try:
        with Path(path).expanduser().open("rb") as file:
            for number, line in enumerate(file, start=1):
                # Only the first line can have a byte order mark; elsewhere U+FEFF is text.
                encoding = "utf-8-sig" if number == 1 else "utf-8"
                lines.append((number, line.decode(encoding).rstrip("\r\n")))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}, line {number}, contains the byte 0x{error.object[error.start]:02x}, which is "
            "not UTF-8: convert the file, for instance with `iconv -f GB18030 -t UTF-8`."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check the path.") from None
    if not any(line.strip() for _, line in lines):
        raise InputError(f"{path} contains no sentences: pass a file with one sentence per line.")
    return lines


def _shortened(text: str, length: int = 40) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
