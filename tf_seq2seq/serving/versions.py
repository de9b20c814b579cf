"""The version folders of a model. A new one appears atomically."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tf_seq2seq.errors import InputError

# The errors of renaming to an existing name.
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def list_versions(directory: str | Path) -> list[int]:
    """Return the versions in a model's folder, in ascending order.

    Example:

    >>> for name in ("1", "10", "2", "notes"):
    ...     (tmp_path / name).mkdir()
    >>> list_versions(tmp_path)
    [1, 2, 10]
    """
    return sorted(
        int(path.name)
        for path in Path(directory).glob("[0-9]*")
        if path.is_dir() and path.name.isascii() and path.name.isdecimal()
    )


def check_free(directory: Path, version: int) -> Path:
    """Check that a version does not exist yet, and return its folder.

    Raises:
        InputError: if it exists.
    """
    target = directory / str(version)
    if target.exists():
        raise _exists(target)
    return target


@contextlib.contextmanager
def hidden_folder(directory: Path) -> Iterator[Path]:
    """Provide a folder that a server does not see, and remove it at the end of the context.

    The folder is locked while it is in use. Folders left behind by killed processes
    are removed.
    """
    with contextlib.ExitStack() as stack:
        with _locked(directory):
            for left in directory.glob(".writing-*"):
                with contextlib.suppress(BlockingIOError), _locked(left, wait=False):
                    shutil.rmtree(left, ignore_errors=True)
            hidden = Path(tempfile.mkdtemp(prefix=".writing-", dir=directory))
            stack.enter_context(_locked(hidden))
        try:
            yield hidden
        finally:
            shutil.rmtree(hidden, ignore_errors=True)


def publish(folder: Path, directory: Path, version: int | None = None) -> Path:
    """Rename a complete folder to a version's folder.

    Args:
        folder: a folder in the same file system.
        directory: the model's folder.
        version: a number; the next free one if None.

    Returns:
        The new path.

    Raises:
        InputError: if the version exists.
    """
    number = 1 + max(list_versions(directory), default=0) if version is None else version
    while True:
        target = directory / str(number)
        try:
            return folder.rename(target)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            if version is not None:
                raise _exists(target) from error
            # Taken by another export in the meantime, or by a file.
            number += 1


@contextlib.contextmanager
def _locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Lock a folder until the end of the context, or of the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def _exists(target: Path) -> InputError:
    return InputError(
        f"{target} already exists; choose another version, or None for the next free one."
    )
