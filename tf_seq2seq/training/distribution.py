"""Which devices train: one, or all of this host in step."""

from __future__ import annotations

import functools

import tensorflow as tf

from tf_seq2seq.errors import InputError


def strategy(name: str = "default") -> tf.distribute.Strategy:
    """The strategy of a name; build and compile the model in its `scope()`.

    Args:
        name: `"default"` trains on one device. `"mirrored"` trains a replica on each GPU of this
            host; where there is no GPU, on two logical CPUs, which is slower than one but shows
            that the figures stay the same.

    Returns:
        A strategy; `fit` finds it by the model.

    Raises:
        InputError: for an unknown name, or if TensorFlow has begun to work before the CPU could
            be divided.

    Example:

    >>> with strategy("mirrored").scope():
    ...     model = Seq2Seq(...)
    ...     model.compile(...)
    """
    if name == "default":
        return tf.distribute.get_strategy()
    if name != "mirrored":
        raise InputError(f"There is no strategy {name!r}: choose 'default' or 'mirrored'.")
    return _mirrored()


@functools.cache
def _mirrored() -> tf.distribute.Strategy:
    """One for the process: two on GPUs would number their collective operations alike and clash."""
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
                "The CPU can no longer be divided into two logical ones: ask for "
                "strategy('mirrored') before the first tensor is made."
            ) from None
    # Collective operations wait for one another, and on few threads for ever.
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
