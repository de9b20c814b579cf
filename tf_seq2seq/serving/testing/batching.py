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

import numpy as np

from tf_seq2seq.errors import InputError
from tf_seq2seq.serving.testing.errors import invalid

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

        Raises:
            InputError: if it cannot be read.
        """
        try:
            text = re.sub(r"#.*", "", file.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror}.") from error
        values = {
            name: int(value) for name, value in re.findall(r"(\w+)\s*\{\s*value:\s*(\d+)", text)
        }
        sizes = tuple(int(size) for size in re.findall(r"allowed_batch_sizes:\s*(\d+)", text))
        known = {name: values[name] for name in cls._fields if name in values}
        return cls(**known, allowed_batch_sizes=sizes)


class _Task(NamedTuple):
    """A waiting request and the future for its answer."""

    rows: int
    inputs: Mapping[str, np.ndarray]
    answer: futures.Future

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of a row, which must be equal within a batch."""
        return {name: array.shape[1:] for name, array in self.inputs.items()}


class Batcher:
    """Run one signature on batches of requests, and split the outputs among them.

    Args:
        run: the signature.
        parameters: how to merge requests.
    """

    def __init__(self, run: Callable[[Arrays], Arrays], parameters: Batching):
        self._run, self._parameters = run, parameters
        self._waiting: queue.Queue[_Task] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

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
        if size == 0:
            return self._run(inputs)  # the real server would wait forever
        task = _Task(size, inputs, futures.Future())
        self._waiting.put(task)
        return task.answer.result()

    def _work(self):
        left_over = None
        while True:
            tasks = [left_over or self._waiting.get()]
            left_over, rows = None, tasks[0].rows
            deadline = time.monotonic() + self._parameters.batch_timeout_micros / 1e6
            while rows < self._parameters.max_batch_size:
                try:
                    task = self._waiting.get(timeout=max(deadline - time.monotonic(), 0))
                except queue.Empty:
                    break
                too_long = rows + task.rows > self._parameters.max_batch_size
                if too_long or task.shapes != tasks[0].shapes:
                    left_over = task
                    break
                tasks.append(task)
                rows += task.rows
            self._answer(tasks, rows)

    def _answer(self, tasks: list[_Task], rows: int) -> None:
        allowed = [size for size in self._parameters.allowed_batch_sizes if size >= rows]
        inputs = {name: np.concatenate([t.inputs[name] for t in tasks]) for name in tasks[0].inputs}
        if allowed:  # like the server, pad the batch with copies of a row
            padding = np.zeros(min(allowed) - rows, int)
            inputs = {name: np.concatenate([a, a[padding]]) for name, a in inputs.items()}
        try:
            outputs = self._run(inputs)
        except Exception as error:
            for task in tasks:
                task.answer.set_exception(error)
            return
        first = 0
        for task in tasks:
            last = first + task.rows
            task.answer.set_result({name: a[first:last] for name, a in outputs.items()})
            first = last
