"""Read and write files: atomically, in chunks of lines, and with one sentence for a damaged one."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

T = TypeVar("T")

LINES_PER_CHUNK = 4096
"""How many lines are held in memory, or handed to a graph, at a time."""

DAMAGED = (ValueError, OSError, EOFError, KeyError, TypeError, AttributeError, BadZipFile)
"""What Keras, NumPy and JSON raise for a file that is truncated or holds something else."""


@contextlib.contextmanager
def write_atomically(path: str | os.PathLike) -> Iterator[Path]:
    """Replace a file completely or not at all.

    The context gives a hidden path in the same folder to write to. At the end of the context the
    file takes its final name; if the context raises, it is removed and `path` stays as it was.
    Whenever the process is killed or the disk fills up, `path` is the old file or the new one.

    Args:
        path: the file; its folder must exist.

    Raises:
        OSError: if the disk is full or the folder cannot be written to.

    Example:

    >>> with write_atomically(tmp_path / "settings.json") as new:
    ...     _ = new.write_text("{}")
    >>> [path.name for path in tmp_path.iterdir()]
    ['settings.json']
    """
    path = Path(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(descriptor)
    new = Path(name)
    try:
        yield new
        # `mkstemp` makes private files; the file gets the mode that `open` would have given it.
        umask = os.umask(0)
        os.umask(umask)
        new.chmod(0o666 & ~umask)
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


@contextlib.contextmanager
def write_together(directory: str | os.PathLike) -> Iterator[Path]:
    """Write several files into a directory, all of them or none.

    The context gives a hidden folder in the directory to write to. At the end of the context its
    files take their places in the directory, where they replace older ones; if the context raises,
    they are removed and the older ones stay as they were. Other files are left alone.

    If the process is killed, the older files are intact unless that happens during the renaming,
    which takes about a millisecond.

    Args:
        directory: created if it does not exist.

    Raises:
        OSError: if the disk is full or the directory cannot be written to.

    Example:

    >>> with write_together(tmp_path) as new:
    ...     _ = (new / "a.txt").write_text("a")
    ...     _ = (new / "b.txt").write_text("b")
    >>> sorted(path.name for path in tmp_path.iterdir())
    ['a.txt', 'b.txt']
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=directory) as name:
        new = Path(name)
        yield new
        paths = sorted(new.rglob("*"))
        files = [path for path in paths if path.is_file()]
        for path in files:
            with path.open("rb") as file:
                os.fsync(file.fileno())
        for path in paths:
            if path.is_dir():
                (directory / path.relative_to(new)).mkdir(exist_ok=True)
        for path in files:
            path.replace(directory / path.relative_to(new))


def in_chunks(items: Iterable[T], size: int = LINES_PER_CHUNK) -> Iterator[list[T]]:
    """Yield the items in lists of `size`; the last may be shorter.

    Example:

    >>> list(in_chunks("abcde", size=2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, to quote it within a sentence."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
