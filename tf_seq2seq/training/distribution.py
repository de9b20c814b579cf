"""Distribution strategies by name."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Iterator

import tensorflow as tf
from tensorflow.python.distribute.cluster_resolver.slurm_cluster_resolver import (
    expand_hostlist,
    expand_tasks_per_node,
)

from tf_seq2seq.checks import check_choice
from tf_seq2seq.errors import InputError
from tf_seq2seq.training.workers import Workers, explain_lost_worker

STRATEGIES = ("default", "mirrored", "multi_worker")

_SLURM_PORT = 8888
"""The port of the first worker on each host of a Slurm step; the others have the next ones."""


def strategy(name: str = "default") -> tf.distribute.Strategy:
    """Return a strategy by name; build and compile the model in its `scope()`.

    TensorFlow then takes the memory of a GPU as it needs it, and leaves the rest to other
    processes, unless the GPU was used before this call.

    Args:
        name: `"default"` trains on one device. `"mirrored"` trains a replica on each GPU of this
            host; without a GPU, on two logical CPUs, which is slower than one but shows that the
            numbers stay the same. `"multi_worker"` trains with the same program on other hosts, a
            replica on each of their GPUs, or on the CPU of a host without one. The hosts are those
            of the environment variable `TF_CONFIG`, or of Slurm's variables in a step that `srun`
            has started; the call returns when all of them have called it.

    Returns:
        A strategy; `fit` finds it through the model.

    Raises:
        InputError: if the name is unknown, if TensorFlow was used before the CPU could be divided
            or the other workers could be joined, if the environment describes no workers, or if
            they cannot be reached.

    Example:

    >>> with strategy("default").scope():
    ...     model = s2s.LanguageModel(10, 4)
    ...     model.compile("adam")
    """
    check_choice("name", name, STRATEGIES)
    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError, ValueError):
            tf.config.experimental.set_memory_growth(gpu, True)
    if name == "default":
        return tf.distribute.get_strategy()
    return _mirrored() if name == "mirrored" else _multi_worker()


def describe_strategy(strategy: tf.distribute.Strategy) -> str:
    """Describe where a strategy trains, in one sentence.

    Example:

    >>> describe_strategy(strategy())
    'Training uses 1 replica, on CPU:0.'
    """
    workers = Workers(strategy)
    if isinstance(
        strategy, tf.distribute.MirroredStrategy | tf.distribute.MultiWorkerMirroredStrategy
    ):
        devices = strategy.extended.worker_devices
    else:
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        devices = (f"{kind}:0",)
    names = ", ".join(device.partition("device:")[2] or device for device in devices)
    if workers.count == 1:
        replicas = f"{workers.replicas} replica{'s' * (workers.replicas > 1)}"
        return f"Training uses {replicas}, on {names}."
    return (
        f"Training uses {workers.replicas} replicas of {workers.count} workers; this is worker "
        f"{workers.index}{', the chief,' * workers.is_chief} on {names}."
    )


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


class _MultiWorkerStrategy(tf.distribute.MultiWorkerMirroredStrategy):
    """Explains the loss of another worker while a model is built.

    In the scope, the workers exchange the initial values of variables.
    """

    @contextlib.contextmanager
    def scope(self) -> Iterator[tf.distribute.Strategy]:
        with explain_lost_worker(Workers(self)), super().scope():
            yield self


@functools.cache
def _multi_worker() -> tf.distribute.Strategy:
    """Return the only instance: a process can join the other workers only once."""
    try:
        return _MultiWorkerStrategy(_cluster())
    except RuntimeError as error:
        raise InputError(
            "This process can no longer join the other workers: call strategy('multi_worker') "
            "before the first tensor is created."
        ) from error
    except tf.errors.OpError as error:
        raise InputError(
            f"The workers cannot be joined ({error.message.splitlines()[0]}): start all of them "
            "within some minutes of each other, and check the addresses and ports."
        ) from error


def _cluster() -> tf.distribute.cluster_resolver.ClusterResolver:
    """Return the workers that the environment describes."""
    resolvers = tf.distribute.cluster_resolver
    if "TF_CONFIG" in os.environ:
        try:
            config = json.loads(os.environ["TF_CONFIG"])
            known = {"chief", "worker"}
            kind, index = config["task"]["type"], int(config["task"]["index"])
            if set(config["cluster"]) - known or kind not in config["cluster"]:
                raise ValueError(f"the tasks must be of the types {', '.join(sorted(known))}")
            config["cluster"][kind][index]
            if index < 0:
                raise ValueError(f"the index {index} is negative")
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise InputError(
                f"TF_CONFIG={os.environ['TF_CONFIG']!r} does not describe the workers ({error!r}): "
                'set it to {"cluster": {"worker": ["HOST:PORT", ...]}, '
                '"task": {"type": "worker", "index": 0}} with the index of each worker.'
            ) from error
        return resolvers.TFConfigClusterResolver()
    if "SLURM_STEP_NODELIST" in os.environ:
        return _slurm_cluster()
    raise InputError(
        "strategy('multi_worker') finds no description of the workers: set the environment "
        "variable TF_CONFIG, or start the program with Slurm's `srun`."
    )


def _slurm_cluster() -> tf.distribute.cluster_resolver.ClusterResolver:
    """Return the tasks of a Slurm step as workers.

    TensorFlow's SlurmClusterResolver would sort the hosts by name (node10 before node9), whereas
    Slurm numbers the tasks in the order of its list, and would expect the same number of GPUs on
    each, at least one, which Slurm has already divided among the tasks.
    """
    try:
        hosts = expand_hostlist(os.environ["SLURM_STEP_NODELIST"])
        tasks = expand_tasks_per_node(os.environ["SLURM_STEP_TASKS_PER_NODE"])
        index = int(os.environ["SLURM_PROCID"])
        addresses = [
            f"{host}:{_SLURM_PORT + i}"
            for host, count in zip(hosts, tasks, strict=True)
            for i in range(count)
        ]
        addresses[index]
    except (ValueError, KeyError, IndexError) as error:
        raise InputError(
            f"Slurm's variables do not describe the workers ({error!r}): start the program with "
            "`srun`, or set TF_CONFIG."
        ) from error
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": addresses}),
        task_type="worker",
        task_id=index,
        num_accelerators={"GPU": len(tf.config.get_visible_devices("GPU"))},
        rpc_layer="grpc",
    )
