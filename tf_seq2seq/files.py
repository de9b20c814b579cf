"""Tools for files: atomic writes, chunks of lines, and messages about damaged files."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

T = TypeVar("T")

LINES_PER_CHUNK = 4096
"""Number of lines to hold in memory, or to pass to a graph, at a time."""

DAMAGED = (
    *(ValueError, OSError, EOFError, KeyError, TypeError, AttributeError),
    *(BadZipFile, zlib.error),
)
"""Exceptions that Keras, NumPy and JSON raise for a file that is truncated or not what it should
be."""


@contextlib.contextmanager
def write_atomically(path: str | os.PathLike) -> Iterator[Path]:
    """Replace a file completely or not at all.

    The context manager yields a temporary, hidden path in the same folder. On exit, the file
    written there is renamed to `path`; on an exception it is deleted, and `path` is unchanged.
    Whenever the process is killed or the disk fills up, `path` is either the old file or the new
    one.

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
        # `mkstemp` creates private files; use the mode that `open` would have given this one.
        new.chmod(0o666 & ~_umask())
        _sync(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


@contextlib.contextmanager
def write_in_parts(path: str | os.PathLike) -> Iterator[Callable[[Iterable[str]], None]]:
    """Open a text file that long work writes part by part.

    An existing file keeps its content until the first part, so that work that fails before then
    does not cost it. The context manager yields a function that writes lines at once.

    Args:
        path: the file; its folder is created if it does not exist.

    Raises:
        OSError: if the file cannot be written to.

    Example:

    >>> with write_in_parts(tmp_path / "translations.txt") as write:
    ...     write(["甲\\n"])
    ...     write(["乙\\n", "丙\\n"])
    >>> (tmp_path / "translations.txt").read_text(encoding="utf-8").split()
    ['甲', '乙', '丙']
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        begun = False

        def write(lines: Iterable[str]) -> None:
            nonlocal begun
            if not begun and file.seekable():  # unlike /dev/stdout
                file.truncate(0)
            begun = True
            file.writelines(lines)
            file.flush()

        yield write
        write([])


@contextlib.contextmanager
def write_together(directory: str | os.PathLike) -> Iterator[Path]:
    """Write several files into a directory, all of them or none.

    The context manager yields a temporary, hidden folder in the directory. On exit, the files
    written there are moved into the directory and replace existing ones; on an exception they are
    deleted, and the existing ones are unchanged. Other files are left alone.

    If the process is killed, existing files are intact, except during the final renaming, which
    takes about a millisecond.

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
            _sync(path)
        for path in paths:
            if path.is_dir():
                (directory / path.relative_to(new)).mkdir(exist_ok=True)
        for path in files:
            path.replace(directory / path.relative_to(new))


@contextlib.contextmanager
def write_folder_atomically(path: str | os.PathLike) -> Iterator[Path]:
    """Write a folder of files completely or not at all.

    The context manager yields a temporary, hidden folder next to `path`. On exit, it is renamed to
    `path`, and on an exception it is deleted. Whenever the process is killed or the machine loses
    power, `path` is complete or missing.

    Args:
        path: the folder; its parent must exist. An existing one is removed first.

    Raises:
        OSError: if the disk is full or the parent cannot be written to.

    Example:

    >>> with write_folder_atomically(tmp_path / "run") as new:
    ...     _ = (new / "a.txt").write_text("a")
    >>> [path.name for path in (tmp_path / "run").iterdir()]
    ['a.txt']
    """
    path = Path(path)
    new = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield new
        new.chmod(0o777 & ~_umask())
        for file in new.iterdir():
            _sync(file)
        _sync(new)
        if path.exists():
            remove_folder(path)
        new.rename(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextlib.contextmanager
def write_folder_alone(path: str | os.PathLike) -> Iterator[Path]:
    """Write a large folder completely or not at all, as the only process that does so.

    The context manager yields a hidden folder next to `path`, which is empty. On exit, it is
    renamed to `path`, and on an exception it is deleted. If the process is killed, the next call
    deletes the files that it leaves.

    Args:
        path: the folder, which must not exist or be empty; its parent is created if it does not
            exist.

    Raises:
        BlockingIOError: if another process is writing the folder.
        OSError: if the disk is full or the parent cannot be written to.

    Example:

    >>> with write_folder_alone(tmp_path / "corpus") as new:
    ...     _ = (new / "a.txt").write_text("a")
    >>> [path.name for path in tmp_path.iterdir()]
    ['corpus']
    """
    path = Path(path).absolute()
    new = path.with_name(f".{path.name}.partial")
    new.mkdir(parents=True, exist_ok=True)
    with locked(new):
        try:
            for rest in new.iterdir():
                if rest.is_dir():
                    shutil.rmtree(rest)
                else:
                    rest.unlink()
            yield new
            for file in new.rglob("*"):
                _sync(file)
            _sync(new)
            new.rename(path)
            _sync(path.parent)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a lock on a directory, which ends with the process at the latest.

    Raises:
        BlockingIOError: if it is locked.
    """
    import fcntl  # not on Windows, where the client needs this module

    descriptor = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # some network file systems have no locks
            pass
        yield
    finally:
        os.close(descriptor)


def remove_folder(path: str | os.PathLike) -> None:
    """Remove a folder; a process that is killed meanwhile leaves only hidden files.

    Args:
        path: an existing folder.

    Raises:
        OSError: if it cannot be removed.
    """
    path = Path(path)
    hidden = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    path.rename(hidden / path.name)
    shutil.rmtree(hidden)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _sync(path: Path) -> None:
    """Write the content of a file, or the names in a folder, to the disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def in_chunks(items: Iterable[T], size: int = LINES_PER_CHUNK) -> Iterator[list[T]]:
    """Yield lists of `size` items; the last may be shorter.

    Args:
        items: any iterable, which is read once.
        size: a positive number.

    Example:

    >>> list(in_chunks("abcde", size=2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def first_line(error: BaseException) -> str:
    r"""Return the first line of an error's message, for quoting in another message.

    Example:

    >>> first_line(ValueError("bad header\nat byte 0")), first_line(EOFError())
    ('bad header', 'EOFError')
    """
    return str(error).strip().partition("\n")[0] or type(error).__name__
