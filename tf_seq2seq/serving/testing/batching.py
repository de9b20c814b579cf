"""Merge requests that arrive together into batches, as TensorFlow Serving does."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent import futures
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np

from tf_seq2seq.errors import InputError
from tf_seq2seq.serving.testing.errors import ServerError, invalid

Arrays = dict[str, np.ndarray]


class Batching(NamedTuple):
    """How to merge requests, with the field names of the server's parameters file.

    Attributes:
        max_batch_size: the maximum number of rows.
        batch_timeout_micros: how long a request waits for others.
        allowed_batch_sizes: the sizes to which batches are padded, ascending; empty for any size.
    """

    max_batch_size: int = 64
    batch_timeout_micros: int = 2000
    allowed_batch_sizes: tuple[int, ...] = ()

    @classmethod
    def read(cls, file: Path) -> Batching:
        """Read the server's parameters file.

        Its other parameters have no effect: each signature has one thread and an unlimited queue.

        Raises:
            InputError: if it cannot be read, or the real server would refuse it.
        """
        try:
            text = re.sub(r"#.*", "", file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{file} cannot be read: {getattr(error, 'strerror', error)}."
            ) from error
        values = {
            name: int(value) for name, value in re.findall(r"(\w+)\s*\{\s*value:\s*(\d+)", text)
        }
        sizes = tuple(int(size) for size in re.findall(r"allowed_batch_sizes:\s*(\d+)", text))
        known = {name: values[name] for name in cls._fields if name in values}
        batching = cls(**known, allowed_batch_sizes=sizes)
        if sizes and (sizes[-1] != batching.max_batch_size or list(sizes) != sorted(set(sizes))):
            raise InputError(
                f"The allowed_batch_sizes in {file} must ascend to max_batch_size, "
                f"{batching.max_batch_size}, got {list(sizes)}."
            )
        return batching


class _Task(NamedTuple):
    """A waiting request and the future for its answer."""

    rows: int
    inputs: Mapping[str, np.ndarray]
    answer: futures.Future


class Batcher:
    """Run one signature on batches of requests, and split the outputs among them.

    As in the real server, requests that arrive together fail together, and a request without rows
    waits until another one comes.

    Args:
        run: the signature.
        parameters: how to merge requests.
    """

    def __init__(self, run: Callable[[Arrays], Arrays], parameters: Batching):
        self._run, self._parameters = run, parameters
        self._waiting: queue.Queue[_Task | None] = queue.Queue()  # None: end
        self._lock, self._closed = threading.Lock(), False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer the waiting requests and end the thread; later requests run individually."""
        with self._lock:
            self._closed = True
            self._waiting.put(None)

    def run(self, inputs: Arrays) -> Arrays:
        """Run a request, together with others that arrive at the same time.

        Raises:
            ServerError: if the inputs cannot be batched, or the signature fails.
        """
        sizes = {array.shape[:1] for array in inputs.values()}
        if len(sizes) != 1 or sizes == {()}:
            raise invalid("Batching input tensors must have the same first dimension")
        ((size,),) = sizes
        if size > self._parameters.max_batch_size:
            raise invalid(
                f"Task size {size} is larger than maximum input batch size "
                f"{self._parameters.max_batch_size}"
            )
        task = _Task(size, inputs, futures.Future())
        with self._lock:
            closed = self._closed
            if not closed:
                self._waiting.put(task)
        return self._run(inputs) if closed else task.answer.result()

    def _work(self) -> None:
        left_over: _Task | None = None
        ended = False
        while not ended:
            tasks: list[_Task] = [left_over] if left_over else []
            left_over, rows = None, sum(task.rows for task in tasks)
            deadline: float | None = None
            while rows < self._parameters.max_batch_size:
                # The timeout begins with the first request that has rows, and not before.
                if rows and deadline is None:
                    deadline = time.monotonic() + self._parameters.batch_timeout_micros / 1e6
                left = None if deadline is None else max(deadline - time.monotonic(), 0)
                try:
                    task = self._waiting.get(timeout=left)
                except queue.Empty:
                    break
                if task is None:
                    ended = True
                    break
                if rows + task.rows > self._parameters.max_batch_size:
                    left_over = task
                    break
                tasks.append(task)
                rows += task.rows
            self._answer(tasks, rows)

    def _answer(self, tasks: list[_Task], rows: int) -> None:
        if not tasks:
            return
        try:
            inputs = self._merged(tasks, rows)
            outputs = self._run(inputs)
            sizes = {array.shape[:1] for array in (*inputs.values(), *outputs.values())}
            if len(sizes) > 1:
                raise ServerError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                    "dimension sizes of the input tensors",
                )
        except Exception as error:
            for task in tasks:
                task.answer.set_exception(error)
            return
        first = 0
        for task in tasks:
            last = first + task.rows
            task.answer.set_result({name: a[first:last] for name, a in outputs.items()})
            first = last

    def _merged(self, tasks: list[_Task], rows: int) -> Arrays:
        """Return the inputs of a batch, padded like the server's with copies of a row."""
        inputs = {}
        for name in tasks[0].inputs:
            arrays = [task.inputs[name] for task in tasks]
            if len({array.shape[1:] for array in arrays}) > 1:
                raise ServerError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"Tensors with name {name!r} from different tasks have different shapes and "
                    "padding is turned off.",
                )
            if len({array.dtype for array in arrays}) > 1:
                raise ServerError(
                    grpc.StatusCode.INTERNAL,
                    "Tensor concat operation failed: Cannot concatenate tensors that have "
                    "different data types.",
                )
            inputs[name] = np.concatenate(arrays)
        allowed = [size for size in self._parameters.allowed_batch_sizes if size >= rows]
        if allowed and rows:
            padding = np.zeros(min(allowed) - rows, int)
            inputs = {name: np.concatenate([a, a[padding]]) for name, a in inputs.items()}
        return inputs
