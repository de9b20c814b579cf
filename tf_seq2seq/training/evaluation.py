"""Evaluation over a dataset, with Keras' callbacks."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator

import keras
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.metrics import Perplexity, perplexity
from tf_seq2seq.models import steps
from tf_seq2seq.training.checkpoint import compiled_metrics
from tf_seq2seq.training.faults import Termination
from tf_seq2seq.training.steps import token_sums
from tf_seq2seq.training.workers import SameData, Workers

NO_BATCHES = "The evaluation needs at least one batch, but the dataset is empty."


def evaluator(
    model: keras.Model, termination: Termination | None = None
) -> Callable[..., dict[str, float]]:
    """Return `evaluate` for a model; it is traced once per kind of dataset.

    Args:
        model: a compiled model, see `evaluate`.
        termination: on SIGTERM of any worker, the evaluation ends early and returns meaningless
            values.

    Returns:
        A function of a dataset, and of a `CallbackList` whose hooks are called as by Keras.
    """
    workers = Workers(model.distribute_strategy)
    pass_over = _Texts(model) if steps.carries_state(model) else _Batches(model, workers)

    def evaluate(
        dataset: tf.data.Dataset, hooks: keras.callbacks.CallbackList | None = None
    ) -> dict[str, float]:
        check_dataset("dataset", dataset, model)
        if hooks is None:
            hooks = keras.callbacks.CallbackList()
        with _fresh_metrics(model):
            hooks.on_test_begin()
            model.stop_evaluating = False
            batches, begin = iter(pass_over.start(dataset)), 0
            while several := list(itertools.islice(batches, model.steps_per_execution)):
                hooks.on_test_batch_begin(begin)
                for batch in several:
                    pass_over.take(batch)
                begin += model.steps_per_execution
                values = pass_over.values()
                hooks.on_test_batch_end(begin - 1, values)
                if any(workers.any(bool(termination), model.stop_evaluating)):
                    break
            if not begin:
                raise InputError(NO_BATCHES)
            hooks.on_test_end(values)
            return values

    return evaluate


def check_dataset(name: str, dataset: Iterable | None, model: keras.Model) -> None:
    """Refuse a dataset on which a model cannot be evaluated.

    Args:
        name: the argument's name, for the error.
        dataset: the batches, or None.
        model: a compiled model, see `evaluate`.

    Raises:
        InputError: if the dataset repeats forever, or if the model carries its state, so that each
            worker evaluates all texts, and the dataset has the rows of one worker alone.
    """
    if not isinstance(dataset, tf.data.Dataset):
        return
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise InputError(
            f"`{name}` repeats forever: leave `repeat()` out, or cut it with `take(batches)`."
        )
    workers = Workers(model.distribute_strategy)
    if steps.carries_state(model) and workers.sharing(dataset) < workers.replicas:
        raise InputError(
            f"`{name}` has the rows of one worker alone, as its auto-sharding policy OFF says, but "
            "each worker evaluates all texts of a model that carries its state: pass all rows to "
            "each worker."
        )


class _Batches:
    """A pass over independent batches, on all replicas."""

    def __init__(self, model, workers):
        self._model, self._workers = model, workers
        self._same_data = SameData(workers, "evaluation data")

        def step(batch):
            workers.strategy.run(lambda batch: steps.test_step(model, *batch), args=(batch,))

        self._step = step if model.run_eagerly else tf.function(step, autograph=False)

    def start(self, dataset: tf.data.Dataset) -> Iterable:
        batches = self._workers.distribute(dataset, self._same_data.note)
        self.take = self._step
        if not self._model.run_eagerly:
            # Trace once for the dataset, not for each batch shape.
            self.take = self._step.get_concrete_function(batches.element_spec)
        return batches

    def values(self) -> dict[str, float]:
        self._same_data.check()
        return metric_values(self._model)


class _Texts:
    """A pass over the batches of continuous texts, on one device."""

    def __init__(self, model):
        self._model = model

        def step(inputs, labels, state):
            logits, state = model(inputs, state, training=False)
            # Keras' metrics average over rows, regardless of their length: here a row is one word.
            labels = tf.reshape(labels, [-1, 1])
            logits = tf.reshape(logits, [-1, 1, logits.shape[-1]])
            model.compute_metrics(inputs, labels, logits)
            return *token_sums(labels, logits), state

        if not model.run_eagerly:
            step = tf.function(step, reduce_retracing=True, autograph=False)
        self._step = step

    def start(self, dataset: tf.data.Dataset) -> Iterable:
        self._state, self._total, self._count = None, 0.0, 0.0
        return dataset

    def take(self, batch) -> None:
        inputs, labels = batch
        if self._state is None:
            self._state = self._model.initial_state(tf.shape(inputs)[0])
        total, count, self._state = self._step(inputs, labels, self._state)
        self._total += float(total)
        self._count += float(count)

    def values(self) -> dict[str, float]:
        loss = self._total / max(self._count, 1.0)
        # The float32 sums of the metric round differently for batches of a different length.
        perplexities = {
            metric.name: perplexity(loss)
            for metric in compiled_metrics(self._model)
            if type(metric) is Perplexity  # a subclass may compute something else
        }
        return {**metric_values(self._model), "loss": loss, **perplexities}


def metric_values(model: keras.Model) -> dict[str, float]:
    """Return the mean loss and the compiled metrics since the last reset."""
    return {name: float(value) for name, value in model.get_metrics_result().items()}


@contextlib.contextmanager
def _fresh_metrics(model) -> Iterator[None]:
    """Reset the metrics, and restore their state at the end of the context."""
    kept = [(variable, variable.numpy()) for variable in model.metrics_variables]
    model.reset_metrics()
    try:
        yield
    finally:
        model.reset_metrics()  # including those created in the meantime
        for variable, value in kept:
            variable.assign(value)
