"""The state of Keras layers that TensorFlow would not find by itself.

TensorFlow saves the objects that it reaches from attribute to attribute. Keras tracks more: layers
in lists, tuples and dicts, and the seeds of random numbers. `tf.train.Checkpoint` would leave these
out, and `assert_consumed` would not notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

_OF_KERAS = frozenset(vars(keras.layers.Layer()))
"""The attributes of every layer, among them Keras' own lists of sublayers and weights."""


class FullyTracked:
    """Mixin for Keras layers and models: TensorFlow saves all of their state.

    Put it before the Keras class in the list of base classes. Keras' own files do not change.

    Example:

    >>> class Stack(FullyTracked, keras.layers.Layer):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.parts = [keras.layers.Dense(2), keras.layers.Dense(3)]
    >>> sorted(tf.train.Checkpoint(Stack()).root._trackable_children())
    ['parts[0]', 'parts[1]']
    """

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        # The method by which TensorFlow finds the attributes of an object.
        children = super()._trackable_children(save_type, **kwargs)  # type: ignore[misc]
        for name, value in vars(self).items():
            if name in _OF_KERAS or name.startswith("_self_"):  # the latter are TensorFlow's
                continue
            if isinstance(value, list | tuple | dict):
                children.update(_parts(name, value))
            children.update(_hidden(name, value))
        return children


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what TensorFlow can save in a nested structure, with names such as `layers[0]`."""
    if isinstance(value, list | tuple | dict):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in items:
            yield from _parts(f"{name}[{key!r}]", part)
    elif isinstance(value, tf.__internal__.tracking.Trackable):
        yield name, value
        yield from _hidden(name, value)


def _hidden(name: str, value: Any) -> Iterator[tuple[str, keras.Variable]]:
    """Yield the variables that TensorFlow would not reach, such as the seed of dropout."""
    if isinstance(value, keras.random.SeedGenerator):
        yield f"{name}.state", value.state
    elif isinstance(value, keras.layers.Layer) and not isinstance(value, FullyTracked):
        reached, waiting = set(), [value]
        while waiting:
            each = waiting.pop()
            if id(each) not in reached:
                reached.add(id(each))
                waiting += each._trackable_children().values()
        hidden = [variable for variable in value.variables if id(variable) not in reached]
        for place, variable in enumerate(hidden):
            yield f"{name}.hidden[{place}]", variable
