"""SIGTERM, and disks that are full or cannot be written to."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.files import locked
from tf_seq2seq.training.checkpoint import Checkpoint


class Termination:
    """A context in which SIGTERM does not end the process, but makes this object true.

    Outside the main thread, which alone may handle signals, it does nothing.
    """

    def __init__(self):
        self._signaled = False

    def __bool__(self) -> bool:
        return self._signaled

    def __enter__(self) -> Termination:
        self._installed = threading.current_thread() is threading.main_thread()
        if self._installed:
            self._previous = signal.signal(signal.SIGTERM, self._note)
        return self

    def _note(self, number, frame):
        self._signaled = True

    def __exit__(self, kind, error, traceback) -> None:
        if self._installed:
            # `None` is a handler that was not set by Python.
            signal.signal(signal.SIGTERM, self._previous or signal.SIG_DFL)
            if self._signaled and error is None:  # it came too late to be acted upon
                signal.raise_signal(signal.SIGTERM)


@contextlib.contextmanager
def open_checkpoint(
    directory: str | Path, keep: int, is_chief: bool = True
) -> Iterator[Checkpoint]:
    """Open the directory of a run's checkpoints, which must be writable, for this run alone.

    Unfinished files of a killed process are removed.

    Args:
        directory: created if missing.
        keep: number of checkpoints to keep.
        is_chief: False for a worker that writes nothing, and need not see the directory.

    Raises:
        InputError: if the directory cannot be created or written to, or another run uses it.
    """
    checkpoint = Checkpoint(directory, keep)
    if not is_chief:
        yield checkpoint
        return
    with contextlib.ExitStack() as stack:
        try:
            checkpoint.make_directory()
            stack.enter_context(locked(checkpoint.directory))
            checkpoint.remove_unfinished()
            checkpoint.try_writing()
        except BlockingIOError as error:
            raise InputError(
                f"Another run writes its checkpoints to {directory}, and each would remove those "
                "of the other: wait for its end, or choose another directory."
            ) from error
        except OSError as error:
            raise InputError(
                f"{directory} cannot be written to ({error.strerror}), and checkpoints go there: "
                "make room, change its permissions or choose another directory."
            ) from error
        yield checkpoint


@contextlib.contextmanager
def explain_unreadable_data() -> Iterator[None]:
    """Turn TensorFlow's error for an `InputError` in a dataset back into the `InputError`."""
    try:
        yield
    except tf.errors.OpError as error:
        found = re.search(r"InputError: (.*)", error.message)
        if found is None:
            raise
        raise InputError(found[1]) from error


@contextlib.contextmanager
def explain_failed_write(checkpoint: Checkpoint, what: str, resumable: bool) -> Iterator[None]:
    """Turn an `OSError` into an `InputError` that names the checkpoint that is left.

    Args:
        checkpoint: where the write goes.
        what: the subject of the sentence.
        resumable: whether the checkpoint that is left belongs to this run, not to an earlier one.
    """
    try:
        yield
    except OSError as error:
        folders = checkpoint.folders
        kept = f"; {folders[-1].name} is kept" if folders else ""
        how = "continue with `resume`" if folders and resumable else "train again"
        free = shutil.disk_usage(checkpoint.directory).free
        raise InputError(
            f"{what} could not be written to {checkpoint.directory} ({error.strerror}), where "
            f"{_mebibytes(free)} MiB are free{kept}: make room and {how}."
        ) from error


def check_space(directory: Path, needed: int, warn: bool = True) -> bool:
    """Return whether a file of `needed` bytes fits into a directory.

    Args:
        directory: an existing directory.
        needed: a number of bytes.
        warn: whether to warn if it does not fit.
    """
    free = shutil.disk_usage(directory).free
    if warn and free < needed:
        warnings.warn(
            f"The next checkpoint needs {_mebibytes(needed)} MiB, but only {_mebibytes(free)} MiB "
            f"are free in {directory}: make room before it is written.",
            stacklevel=4,
        )
    return free >= needed


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.1f}"
