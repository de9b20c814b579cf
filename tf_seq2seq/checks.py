"""Argument validation, with the same behavior and wording for all public arguments.

Each function returns the value as a plain Python object: NumPy scalars are accepted wherever
Python ones are, but never end up in a configuration or a graph.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_seq2seq.errors import InputError


def check_integer(
    name: str, value: Any, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Return `value` as an `int`.

    Args:
        name: the argument's name, for the message.
        value: a Python or NumPy integer. Booleans and floats (even 5.0) are rejected.
        minimum, maximum: inclusive bounds; None for no bound.

    Raises:
        InputError: if `value` is not an integer or is out of bounds.

    Example:

    >>> check_integer("units", np.int64(5), minimum=1)
    5
    >>> check_integer("units", True, minimum=1)
    Traceback (most recent call last):
    tf_seq2seq.errors.InputError: `units` must be an integer of at least 1, got True.
    """
    if _is_boolean(value) or not isinstance(value, numbers.Integral):
        raise _refused(name, "an integer", value, minimum, maximum)
    value = int(value)
    if not _in_bounds(value, minimum, maximum):
        raise _refused(name, "an integer", value, minimum, maximum)
    return value


def check_number(
    name: str,
    value: Any,
    minimum: float | None = None,
    maximum: float | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """Return `value` as a `float`.

    Args:
        name: the argument's name, for the message.
        value: a finite Python or NumPy number. Booleans are rejected.
        minimum, maximum: inclusive bounds; None for no bound.
        above, below: exclusive bounds; None for no bound.

    Raises:
        InputError: if `value` is not a finite number or is out of bounds.

    Example:

    >>> check_number("temperature", np.float32(0.5), above=0)
    0.5
    """
    # `float()` would accept scalar tensors and 0-d arrays; they are rejected like other objects.
    is_number = not _is_boolean(value) and isinstance(value, numbers.Real)
    if not (
        is_number
        and math.isfinite(value)
        and _in_bounds(value, minimum, maximum)
        and (above is None or value > above)
        and (below is None or value < below)
    ):
        raise _refused(name, "a number", value, minimum, maximum, above, below)
    return float(value)


def check_rate(name: str, value: Any) -> float:
    """Return `value` as a `float` in [0, 1), such as a dropout rate.

    Args:
        name: the argument's name, for the message.
        value: a Python or NumPy number.

    Raises:
        InputError: if `value` is not a number in [0, 1).
    """
    return check_number(name, value, minimum=0, below=1)


def check_flag(name: str, value: Any) -> bool:
    """Return `value` as a `bool`.

    Args:
        name: the argument's name, for the message.
        value: a Python or NumPy boolean. 0, 1 and "no" are rejected.

    Raises:
        InputError: if `value` is not a boolean.
    """
    if not _is_boolean(value):
        raise InputError(f"`{name}` must be True or False, got {value!r}.")
    return bool(value)


def check_choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`.

    Args:
        name: the argument's name, for the message.
        value: a string.
        choices: the allowed values.

    Raises:
        InputError: if `value` is not one of them.

    Example:

    >>> check_choice("cell", "gru", ("gru", "lstm"))
    'gru'
    """
    if not isinstance(value, str) or value not in choices:
        *first, last = map(repr, choices)
        expected = f"{', '.join(first)} or {last}" if first else last
        raise InputError(f"`{name}` must be {expected}, got {value!r}.")
    return str(value)


def check_name(name: str, value: Any) -> str:
    """Return `value` if it is a string that is not blank.

    Args:
        name: the argument's name, for the message.
        value: a string.

    Raises:
        InputError: if `value` is not a string, or is blank.
    """
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"`{name}` must be a nonempty string, got {value!r}.")
    return value


def _is_boolean(value) -> bool:
    return isinstance(value, bool | np.bool_)


def _in_bounds(value, minimum, maximum) -> bool:
    return (minimum is None or value >= minimum) and (maximum is None or value <= maximum)


def _refused(name, kind, value, minimum=None, maximum=None, above=None, below=None) -> InputError:
    bounds = [
        (minimum, "of at least"),
        (maximum, "of at most"),
        (above, "greater than"),
        (below, "less than"),
    ]
    if minimum is not None and maximum is not None:
        kind += f" from {minimum} to {maximum}"
        bounds = bounds[2:]
    words = " and ".join(f"{word} {bound}" for bound, word in bounds if bound is not None)
    return InputError(f"`{name}` must be {' '.join(filter(None, [kind, words]))}, got {value!r}.")
