"""Distribution strategies by name."""

from __future__ import annotations

import contextlib
import functools

import tensorflow as tf

from tf_seq2seq.checks import check_choice
from tf_seq2seq.errors import InputError


def strategy(name: str = "default") -> tf.distribute.Strategy:
    """Return a strategy by name; build and compile the model in its `scope()`.

    TensorFlow then takes the memory of a GPU as it needs it, and leaves the rest to other
    processes, unless the GPU was used before this call.

    Args:
        name: `"default"` trains on one device. `"mirrored"` trains a replica on each GPU of this
            host; without a GPU, on two logical CPUs, which is slower than one but shows that the
            numbers stay the same.

    Returns:
        A strategy; `fit` finds it through the model.

    Raises:
        InputError: if the name is unknown, or if TensorFlow was used before the CPU could be
            divided.

    Example:

    >>> with strategy("default").scope():
    ...     model = s2s.LanguageModel(10, 4)
    ...     model.compile("adam")
    """
    check_choice("name", name, ("default", "mirrored"))
    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError, ValueError):
            tf.config.experimental.set_memory_growth(gpu, True)
    if name == "default":
        return tf.distribute.get_strategy()
    return _mirrored()


@functools.cache
def _mirrored() -> tf.distribute.Strategy:
    """Return the only instance: two on GPUs would use the same collective keys."""
    if tf.config.list_physical_devices("GPU"):
        return tf.distribute.MirroredStrategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    if len(tf.config.get_logical_device_configuration(cpu) or []) < 2:
        try:
            tf.config.set_logical_device_configuration(
                cpu, [tf.config.LogicalDeviceConfiguration()] * 2
            )
        except RuntimeError:
            raise InputError(
                "The CPU can no longer be divided into two logical devices: call "
                "strategy('mirrored') before the first tensor is created."
            ) from None
    # With few threads, collective ops can deadlock.
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
