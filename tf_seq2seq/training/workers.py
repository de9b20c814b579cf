"""The workers of a training run: processes on one host or several that train one model in lockstep.

Every worker executes the same program. At each step, each of its replicas (a device with a copy of
the weights) takes its share of the rows of a global batch:

    replica r of R on worker w of W:    rows w + W r, w + W r + W R, w + W r + 2 W R, ...

so the batches, and with them the losses, are the same for any number of workers and replicas. The
first worker is the *chief*: it alone writes files and reports the progress.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.files import first_line
from tf_seq2seq.training.identity import FINGERPRINT

_PART = 2**24
"""The number of int32 values that `Workers.broadcast` sends at a time."""

_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)
"""The errors of a collective operation that another worker does not take part in."""


class Workers:
    """The workers of a strategy, and what they have to agree on.

    Args:
        strategy: any `tf.distribute` strategy whose replicas are in sync; None for the current one.

    Attributes:
        strategy: the strategy.
        index: the index of this worker, from 0.
        count: the number of workers.
        replicas: the number of replicas of all workers.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None):
        self.strategy = strategy = strategy or tf.distribute.get_strategy()
        self.index, self.count = 0, 1
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            resolver = strategy.cluster_resolver
            tasks = resolver.cluster_spec().as_dict()
            chiefs, others = (len(tasks.get(kind, ())) for kind in ("chief", "worker"))
            self.count = chiefs + others
            self.index = resolver.task_id + (chiefs if resolver.task_type == "worker" else 0)
        self.replicas = strategy.num_replicas_in_sync

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes the files and reports the progress."""
        return self.index == 0

    def name(self, directory: Path) -> str:
        """Return how messages name a directory to which only the chief writes."""
        return str(directory) if self.is_chief else "the chief's directory"

    def sharing(self, dataset: tf.data.Dataset) -> int:
        """Return the number of replicas that share a batch of a dataset, see `distribute`."""
        return self.replicas // self.count if _is_share(dataset) else self.replicas

    def distribute(
        self, dataset: tf.data.Dataset, note: Callable[[str], object] | None = None
    ) -> Any:
        """Distribute the rows of batches among the replicas.

        Args:
            dataset: global batches, the same in each worker. If its auto-sharding policy is OFF, it
                contains the rows w, w + W, w + 2 W, ... of this worker alone, as from
                `data.batches(num_shards=...)`.
            note: a function that, with several workers, gets a value that identifies the first
                batch of each pass over the data, and must be the same in each worker.

        Returns:
            A distributed dataset, whose batches have a share for each replica of this worker. The
            share of a batch with fewer rows than replicas may have no row.
        """
        if self.replicas == 1:
            return dataset
        local, is_share = self.replicas // self.count, _is_share(dataset)
        step = self.sharing(dataset)

        @tf.autograph.experimental.do_not_convert
        def note_first(number, batch):
            def identify(*arrays):
                note(_identify(arrays, is_share))

            parts = tf.nest.flatten(batch, expand_composites=True)
            noted = tf.cond(
                tf.equal(number, 0),
                lambda: tf.group(tf.numpy_function(identify, parts, [])),
                tf.no_op,
            )
            with tf.control_dependencies([noted]):
                return tf.nest.map_structure(tf.identity, batch, expand_composites=True)

        if note is not None and self.count > 1:
            dataset = dataset.enumerate().map(note_first)

        @tf.autograph.experimental.do_not_convert
        def shares(*batch):
            def share(replica):
                first = replica if is_share else self.index + self.count * replica
                return tf.nest.map_structure(lambda each: _rows(each, first, step), batch)

            return tf.data.Dataset.range(local).map(share)

        return self.strategy.distribute_datasets_from_function(
            lambda context: dataset.flat_map(shares).prefetch(2 * local)
        )

    def any(self, *flags: bool) -> list[bool]:
        """Return for each flag whether it is true on any worker. All of them must call this."""
        if self.count == 1:
            return list(flags)
        return [bool(total) for total in self._sum(tf.constant(flags, tf.int32))]

    def check_same(self, values: Mapping[str, Any]) -> None:
        """Refuse values that differ from the chief's, with which the workers would wait forever.

        All workers must call this.

        Args:
            values: JSON values by name.

        Raises:
            InputError: on all workers, if a value differs on any of them.
        """
        here = json.loads(json.dumps(values))
        there = json.loads(self.broadcast(json.dumps(values).encode()))
        different = [name for name in {**there, **here} if here.get(name) != there.get(name)]
        (any_different,) = self.any(bool(different))
        how = "start all workers with the same arguments and data."
        if different:
            name, (mine, chiefs) = different[0], (each.get(different[0]) for each in (here, there))
            if str(mine).startswith(FINGERPRINT):
                raise InputError(f"Worker {self.index} has other {name} than the chief: {how}")
            raise InputError(
                f"Worker {self.index} has {name}={mine}, but the chief has {chiefs}: {how}"
            )
        if any_different:
            raise InputError(
                f"Another worker has different settings, which its own message names: {how}"
            )

    def gather(self, tensor: Any) -> np.ndarray:
        """Return the rows of all replicas in the order of the global batch.

        Args:
            tensor: a tensor for each replica, all with the same number of rows, as results from
                `strategy.run`.
        """
        if self.replicas == 1:
            return tensor.numpy()
        with explain_lost_worker(self):
            rows = self._concatenate(tensor).numpy()  # those of replica 0 come first
        return rows[np.argsort(self._row_order(len(rows)))]

    def scatter(self, rows: np.ndarray) -> Any:
        """Return a tensor for each replica, its share of the rows of a global batch."""
        if self.replicas == 1:
            return tf.constant(rows)
        ordered = rows[self._row_order(len(rows))].reshape(self.replicas, -1, *rows.shape[1:])
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(ordered[context.replica_id_in_sync_group])
        )

    def _row_order(self, rows: int) -> np.ndarray:
        """Return the row of the global batch that is at each place, replica after replica."""
        local = self.replicas // self.count
        first = [w + self.count * r for w in range(self.count) for r in range(local)]
        return np.concatenate([np.arange(rows)[f :: self.replicas] for f in first])

    def broadcast(self, content: bytes) -> bytes:
        """Return the chief's `content` on all workers, which must all call this.

        Args:
            content: any bytes; ignored on the other workers.
        """
        if self.count == 1:
            return content
        content = content if self.is_chief else b""
        size = int(self._sum(tf.constant([len(content)], tf.int64))[0])
        padded = content.ljust(size, b"\0") + bytes(-size % 4)
        values = np.frombuffer(padded, np.int32)
        # Adding zeros, because collective operations cannot send from one worker to all.
        parts = [
            self._sum(tf.constant(values[i : i + _PART])) for i in range(0, len(values), _PART)
        ]
        return b"".join(part.tobytes() for part in parts)[:size]

    @functools.cached_property
    def _concatenate(self):
        return tf.function(lambda tensor: self.strategy.gather(tensor, axis=0), autograph=False)

    def _sum(self, values: tf.Tensor) -> np.ndarray:
        """Add up an integer tensor of each worker."""
        with explain_lost_worker(self):
            return self._add(values).numpy()

    @functools.cached_property
    def _add(self):
        local = self.replicas // self.count

        def of_first_replica(values):
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            return tf.where(replica % local == 0, values, tf.zeros_like(values))

        @tf.function(reduce_retracing=True, autograph=False)
        def add(values):
            per_replica = self.strategy.run(of_first_replica, args=(values,))
            return self.strategy.reduce("SUM", per_replica, axis=None)

        return add


def _is_share(dataset: tf.data.Dataset) -> bool:
    """Return whether the batches have the rows of one worker alone."""
    policy = dataset.options().experimental_distribute.auto_shard_policy
    return policy == tf.data.experimental.AutoShardPolicy.OFF


def _identify(arrays: Sequence[np.ndarray], is_share: bool) -> str:
    """Return a fingerprint of a batch; the shares of several workers have only the widths alike."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape[1:]} ".encode())
        if not is_share:
            digest.update(array.tobytes())
    return FINGERPRINT + digest.hexdigest()


def _rows(tensor, first, step):
    """Return every `step`-th row, with a static number of rows if it does not depend on `first`."""
    rows, size = tensor[first::step], tensor.shape[0]
    if size is None or size % step:
        return rows
    return tf.ensure_shape(rows, [size // step, *rows.shape[1:]])


class SameData:
    """Checks that all workers read the same data, by the first batch that they get.

    It is not read beforehand, because each pass over shuffled data has another order.

    Args:
        workers: those that must agree.
        name: that of the data.
    """

    def __init__(self, workers: Workers, name: str):
        self._workers, self._name = workers, name
        self._first: str | None = None
        self._is_checked = workers.count == 1

    def note(self, identity: str) -> None:
        """Keep what identifies the first batch, see `Workers.distribute`."""
        if self._first is None:
            self._first = identity

    def check(self) -> None:
        """Compare the first batches, once. All workers must call this after the first step.

        Raises:
            InputError: on all workers, if the batch differs from the chief's on any of them.
        """
        if not self._is_checked:
            self._workers.check_same({self._name: self._first})
            self._is_checked = True


class LostWorkerError(InputError):
    """Raised on a worker that cannot exchange values with another one.

    Attributes:
        reason: what happened, from the point of view of this worker.
    """

    def __init__(self, workers: Workers, reason: str, directory: Path | None):
        self.reason = reason
        where = "" if directory is None else f" in {workers.name(directory)}"
        super().__init__(
            f"Worker {workers.index} {reason}: start all of them again, with `resume` to continue "
            f"from the last checkpoint{where}."
        )


@contextlib.contextmanager
def explain_lost_worker(workers: Workers, directory: Path | None = None) -> Iterator[None]:
    """Turn the error of an interrupted exchange between workers into one sentence.

    Args:
        workers: those of the training run.
        directory: where the chief writes its checkpoints; None if unknown.

    Raises:
        LostWorkerError: instead of that error.
    """
    try:
        yield
    except LostWorkerError as error:  # of an inner context, which did not know the directory
        raise LostWorkerError(workers, error.reason, directory) from error.__cause__
    except tf.errors.OpError as error:
        if workers.count == 1 or not isinstance(error, _LOST):
            raise
        if isinstance(error, tf.errors.InternalError):  # perhaps this worker's own
            reason = f"ended with an error ({first_line(error)})"
        else:
            reason = (
                f"lost the connection to another of the {workers.count} workers, which has stopped "
                "or hangs"
            )
        raise LostWorkerError(workers, reason, directory) from error
