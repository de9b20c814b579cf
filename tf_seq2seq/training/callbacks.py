"""The state of callbacks in a checkpoint."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from tf_seq2seq.errors import InputError
from tf_seq2seq.training.averaging import AverageWeights

_ATTRIBUTES: dict[type[keras.callbacks.Callback], tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("best", "best_epoch", "best_weights", "stopped_epoch", "wait"),
    keras.callbacks.ReduceLROnPlateau: ("best", "cooldown_counter", "wait"),
    keras.callbacks.ModelCheckpoint: (
        *("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    ),
    keras.callbacks.SwapEMAWeights: ("_ema_weights_in_model",),
}
"""The state that Keras' callbacks keep from epoch to epoch."""

_WRITERS = (
    keras.callbacks.CSVLogger,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.ProgbarLogger,
    keras.callbacks.RemoteMonitor,
    keras.callbacks.TensorBoard,
)

_ARRAY = "array of the checkpoint"


def check_callbacks(callbacks: Any) -> list[keras.callbacks.Callback]:
    """Return callbacks as a list.

    Args:
        callbacks: one callback or several, nested or not, as Keras' `fit` takes them.

    Raises:
        InputError: if an item is not a callback, or is a BackupAndRestore, or if one keeps the
            weights of the best epoch and another evaluates their average.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    if not isinstance(callbacks, keras.callbacks.Callback):
        callbacks = list(callbacks or ())
    callbacks = keras.tree.flatten(callbacks)
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise InputError(f"`callbacks` must be Keras callbacks, got {callback!r}.")
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            raise InputError(
                "BackupAndRestore has no effect on `training.fit`, which writes checkpoints "
                "itself: leave it out, and pass `resume=True` to continue from the last one."
            )
    if any(isinstance(each, AverageWeights) for each in callbacks):
        for callback in callbacks:
            for option in ("restore_best_weights", "save_best_only"):
                if getattr(callback, option, False):
                    raise InputError(
                        f"{type(callback).__name__}({option}=True) keeps the weights in training, "
                        "but AverageWeights evaluates their average: use one of them, or leave "
                        f"{option} out."
                    )
    return callbacks


def quiet(callbacks: Iterable[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    """Return the callbacks for a worker that is not the chief, which alone writes and prints.

    Those of Keras that only write files, send reports or show the progress are left out; those that
    may change the training no longer print.
    """
    kept = [each for each in callbacks if not isinstance(each, _WRITERS)]
    for callback in kept:
        if type(callback).__module__.startswith("keras.") and hasattr(callback, "verbose"):
            callback.verbose = 0
    return kept


def get_states(
    callbacks: Iterable[keras.callbacks.Callback],
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the states of callbacks.

    A custom callback keeps its state if it has two methods: `get_state()` returns JSON values and
    NumPy arrays, nested in lists and in dictionaries with strings as keys, and `set_state(state)`
    restores them.

    Args:
        callbacks: Keras callbacks; those without a state are left out.

    Returns:
        JSON values by the callback's name, and the arrays that they refer to, by name. A callback
        is named after its class and its place among those of the class: `EarlyStopping/0`.

    Raises:
        InputError: if a state has values of other types.
    """
    states: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, callback in _with_state(callbacks).items():
        states[name] = _without_arrays(f"callbacks/{name}", _get_state(callback), arrays)
        try:
            json.dumps(states[name])
        except (TypeError, ValueError) as error:
            raise InputError(
                f"`get_state` of the callback {type(callback).__name__} must return JSON values "
                f"and NumPy arrays: {error}."
            ) from error
    return states, arrays


def set_states(
    callbacks: Iterable[keras.callbacks.Callback],
    states: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
) -> list[str]:
    """Give callbacks the states that `get_states` returned for callbacks of the same classes.

    Args:
        callbacks: Keras callbacks; one without a state in the checkpoint is left as it is.
        states, arrays: the results of `get_states`.

    Returns:
        The names of the states that match no callback.
    """
    named = _with_state(callbacks)
    for name, callback in named.items():
        if name in states:
            _set_state(callback, _with_arrays(states[name], arrays))
    return [name for name in states if name not in named]


def _with_state(callbacks) -> dict[str, keras.callbacks.Callback]:
    counts: collections.Counter[str] = collections.Counter()
    named = {}
    for callback in callbacks:
        if hasattr(callback, "get_state") or _attributes(callback):
            kind = type(callback).__name__
            named[f"{kind}/{counts[kind]}"] = callback
            counts[kind] += 1
    return named


def _attributes(callback) -> list[str]:
    """Return the names of the attributes to keep; a subclass has those of Keras' class."""
    names = (names for kind, names in _ATTRIBUTES.items() if isinstance(callback, kind))
    return [name for name in next(names, ()) if hasattr(callback, name)]


def _get_state(callback):
    if hasattr(callback, "get_state"):
        return callback.get_state()
    return {name: getattr(callback, name) for name in _attributes(callback)}


def _set_state(callback, state):
    if hasattr(callback, "set_state"):
        callback.set_state(state)
    else:
        for name, value in state.items():
            setattr(callback, name, value)


def _without_arrays(name, item, arrays):
    """Replace arrays by references to `arrays`, where they are put."""
    if isinstance(item, dict):
        return {key: _without_arrays(f"{name}/{key}", item[key], arrays) for key in item}
    if isinstance(item, list | tuple):
        return [_without_arrays(f"{name}/{i}", part, arrays) for i, part in enumerate(item)]
    if isinstance(item, np.generic):
        return item.item()
    if isinstance(item, np.ndarray):
        arrays[name] = item
        return {_ARRAY: name}
    return item


def _with_arrays(item, arrays):
    if isinstance(item, list):
        return [_with_arrays(part, arrays) for part in item]
    if isinstance(item, dict):
        if item.keys() == {_ARRAY}:
            return arrays[item[_ARRAY]]
        return {key: _with_arrays(part, arrays) for key, part in item.items()}
    return item
