"""The average of the weights over the last part of a training run."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np

from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.models.steps import innermost


class AverageWeights(keras.callbacks.Callback):
    """Evaluate a model, and end its training, with the average of its weights.

        a_n = a_{n-1} + (w_n - a_{n-1}) / n,   a_0 = 0

    where `w_1`, `w_2`, ... are the weights after every `every`-th batch, from the epoch after
    `begin` epochs on. The average is in the model while the dev set is evaluated, and when training
    has ended. Training itself, and other callbacks, have the weights `w`. `training.fit` therefore
    refuses callbacks that keep the weights of the best epoch: they are not those that were
    evaluated. The average does not change the training, so that a constant, high learning rate may
    end as well as one that decays.

    `training.fit` writes the average to its checkpoints, next to the weights in training, so that
    it resumes to the same average. If it is resumed with a later `begin`, the average starts again.
    In contrast to the optimizer's `use_ema`, which is computed in each step, all `w_n` count the
    same.

    Args:
        begin: number of epochs before the first that is averaged.
        every: number of batches from one `w_n` to the next, counted from the start of an epoch.
            With `steps_per_execution`, `w_n` are the weights after the steps that include the
            batch.

    Raises:
        InputError: if an argument is out of range; when training begins, if an epoch has fewer than
            `every` batches, or if the optimizer has `use_ema`, because both would replace the
            weights at the end.

    Example:

    >>> average = AverageWeights(begin=20)
    >>> average.count
    0

    Source: Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging";
    Merity et al. 2018, "Regularizing and Optimizing LSTM Language Models", who begin when the dev
    perplexity no longer falls (NT-ASGD).
    """

    def __init__(self, begin: int, every: int = 10):
        super().__init__()
        self.begin = check_integer("begin", begin, minimum=0)
        self.every = check_integer("every", every, minimum=1)
        self.count = 0
        self._mean: list[np.ndarray] = []
        self._in_training: list[np.ndarray] | None = None
        self._epoch, self._first = 0, 0

    def get_state(self) -> dict[str, Any]:
        """Return the state for a checkpoint of `training.fit`."""
        return {"begin": self.begin, "count": self.count, "mean": self._mean}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from the state of a checkpoint, unless it averages epochs before `begin`."""
        if state["count"] and state["begin"] < self.begin:
            warnings.warn(
                f"The average of the weights starts again: `begin` is {self.begin}, but it was "
                f"{state['begin']} when the checkpoint was written.",
                stacklevel=2,
            )
            return
        self.count = state["count"]
        self._mean = [np.array(array) for array in state["mean"]]

    def on_train_begin(self, logs: dict | None = None) -> None:
        if any(each.use_ema for each in innermost(self.model.optimizer)):
            raise InputError(
                "AverageWeights and an optimizer with use_ema=True would both replace the weights "
                "at the end: use one of them."
            )
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        if steps is not None and steps < self.every:
            raise InputError(
                f"AverageWeights(every={self.every}) would average nothing, because an epoch has "
                f"{steps} batches: pass `every` of at most {steps}."
            )
        if epochs is not None and epochs <= self.begin:
            warnings.warn(
                f"AverageWeights(begin={self.begin}) averages nothing in {epochs} epochs.",
                stacklevel=2,
            )
        # An evaluation that failed may have left the last one.
        self.count, self._mean, self._in_training = 0, [], None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self._first = batch

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        # With `steps_per_execution`, `batch` is the last of several.
        if self._epoch < self.begin or (batch + 1) // self.every == self._first // self.every:
            return
        weights = [variable.numpy() for variable in self.model.trainable_variables]
        self.count += 1
        if self.count == 1:
            self._mean = [np.array(weight, "float32") for weight in weights]
        for mean, weight in zip(self._mean, weights, strict=True):
            mean += (weight - mean) / np.float32(self.count)

    def on_test_begin(self, logs: dict | None = None) -> None:
        if self.count:
            variables = self.model.trainable_variables
            self._in_training = [np.array(variable.numpy()) for variable in variables]
            self._put(self._mean)

    def on_test_end(self, logs: dict | None = None) -> None:
        if self._in_training is not None:
            self._put(self._in_training)
            self._in_training = None

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.count:
            self._put(self._mean)

    def _put(self, values):
        for variable, value in zip(self.model.trainable_variables, values, strict=True):
            variable.assign(value)
