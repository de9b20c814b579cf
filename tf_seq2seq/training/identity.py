"""What must be the same when a training run is resumed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

MAY_CHANGE = ("epochs", "learning_rate")
"""The settings that may differ when a training run is resumed."""

_PREFIX = "sha256:"


def fingerprint(*texts: Iterable[str]) -> str:
    """Return a value that identifies texts, such as the two sides of a corpus.

    Args:
        texts: the lines of each text, in order.

    Example:

    >>> fingerprint(["a", "b"], ["c"]) == fingerprint(["a"], ["b", "c"])
    False
    """
    digest = hashlib.sha256()
    for lines in texts:
        for line in lines:
            digest.update(json.dumps(line).encode() + b"\n")
        digest.update(b"\n")
    return _PREFIX + digest.hexdigest()


def compare_settings(
    saved: Mapping[str, Any] | None, settings: Mapping[str, Any] | None
) -> list[str]:
    """Compare the settings of a checkpoint with those of the run that resumes from it.

    Args:
        saved: the settings in the checkpoint; None if it has none.
        settings: those of the run; None for no comparison.

    Returns:
        The names of the settings that differ, all of them from `MAY_CHANGE`.

    Raises:
        ValueError: if another setting differs; the message names it and both values.
    """
    if saved is None or settings is None:
        return []
    settings = json.loads(json.dumps(dict(settings)))  # JSON has lists for tuples
    changed = [n for n in {**saved, **settings} if saved.get(n) != settings.get(n)]
    for name in changed:
        before, now = saved.get(name), settings.get(name)
        if str(before).startswith(_PREFIX):
            raise ValueError(f"it was written with other {name}")
        if name not in MAY_CHANGE:
            raise ValueError(f"it was written with {name}={before}, but `{name}` is {now} now")
    return changed
