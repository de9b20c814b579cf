"""Check that a training run is resumed with the same settings and the same data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tf_seq2seq.errors import InputError
from tf_seq2seq.strings import check_not_one_string

MAY_CHANGE = ("epochs", "learning_rate")
"""The settings that may differ when a training run is resumed."""

FINGERPRINT = "sha256:"
"""What a `fingerprint` starts with."""


def fingerprint(*texts: Iterable[str]) -> str:
    """Return a value that identifies texts, such as the two sides of a corpus.

    Args:
        texts: the lines of each text, in order.

    Raises:
        TypeError: if a text is one string.

    Example:

    >>> fingerprint(["a", "b"], ["c"]) == fingerprint(["a"], ["b", "c"])
    False
    """
    digest = hashlib.sha256()
    for lines in texts:
        check_not_one_string("texts", lines)
        for line in lines:
            digest.update(json.dumps(line).encode() + b"\n")
        digest.update(b"\n")
    return FINGERPRINT + digest.hexdigest()


def check_settings(settings: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return settings as they are read back from a checkpoint, with lists for tuples.

    Args:
        settings: see `fit`.

    Raises:
        InputError: if they are not JSON values by name.
    """
    if settings is None:
        return None
    try:
        return json.loads(json.dumps(dict(settings), default=_plain, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"`settings` must be JSON values by name: {error}.") from error


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is not one")


def compare_settings(
    saved: Mapping[str, Any] | None, settings: Mapping[str, Any] | None
) -> list[str]:
    """Compare the settings of a checkpoint with those of the run that resumes from it.

    Args:
        saved: the settings in the checkpoint; None if it has none.
        settings: those of the run, see `check_settings`; None for no comparison.

    Returns:
        The names of the settings that differ, all of them from `MAY_CHANGE`.

    Raises:
        ValueError: if another setting differs; the message names it and both values.
    """
    if saved is None or settings is None:
        return []
    changed = [n for n in {**saved, **settings} if saved.get(n) != settings.get(n)]
    for name in changed:
        before, now = saved.get(name), settings.get(name)
        if str(before).startswith(FINGERPRINT):
            raise ValueError(f"it was written with other {name}")
        if name not in MAY_CHANGE:
            raise ValueError(f"it was written with {name}={before}, but `{name}` is {now} now")
    return changed
