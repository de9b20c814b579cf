"""The base class of the models: defaults for `compile`, Keras' `fit`, loading, and export."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import keras
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.layers import cudnn
from tf_seq2seq.layers.tracking import FullyTracked
from tf_seq2seq.losses import SequenceCrossEntropy
from tf_seq2seq.metrics import Perplexity, TokenAccuracy
from tf_seq2seq.models import steps

_BY_LABELS = {"accuracy": None, "acc": None, "crossentropy": False, "ce": False}
"""Keras' names of a loss or a metric whose kind depends on the labels, with `from_logits`."""


class SequenceModel(FullyTracked, keras.Model):
    """Base class of the models.

    A subclass defines `recurrent_layers` and, to be exported, `input_specs`. It may change the
    defaults of `compile`.
    """

    recurrent_layers: list[keras.layers.RNN]
    """The recurrent Keras layers of all parts."""

    scores_words = False
    """Whether the compiled loss and metrics take the logits of the words without padding."""

    def input_specs(self) -> Any:
        """Return the model's input structure, with a `keras.InputSpec` for each tensor."""
        raise NotImplementedError(f"{type(self).__name__} does not define `input_specs`.")

    def default_loss(self) -> keras.losses.Loss:
        """Return the loss that `compile` uses unless another is given."""
        return SequenceCrossEntropy()

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Return the metrics that `compile` uses unless others are given."""
        return []

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "adam",
        loss: keras.losses.Loss | Callable | None = None,
        metrics: Sequence | None = None,
        **kwargs,
    ) -> None:
        """Compile like `keras.Model.compile`, with a loss and metrics for sequences as defaults.

        Raises:
            InputError: if the loss or a metric expects probabilities instead of logits.
        """
        _check_takes_logits("loss", keras.losses, loss)
        for group in (metrics, kwargs.get("weighted_metrics")):
            for metric in group if isinstance(group, list | tuple) else ():
                _check_takes_logits("metric", keras.metrics, metric)
        loss = self.default_loss() if loss is None else loss
        metrics = self.default_metrics() if metrics is None else metrics
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)
        # A subclass of these, and all others, may expect the logits of all positions.
        kinds = {type(each) for each in [*tf.nest.flatten(metrics), kwargs.get("weighted_metrics")]}
        takers = {Perplexity, TokenAccuracy, type(None)}
        self.scores_words = type(loss) is SequenceCrossEntropy and kinds <= takers

    def train_step(self, data: tuple) -> dict[str, tf.Tensor]:
        """Train on a batch of Keras' `fit` as `training.fit` does, on one replica or several."""
        inputs, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        steps.train_step(self, inputs, labels, sample_weight=sample_weight)
        return self.get_metrics_result()

    def test_step(self, data: tuple) -> dict[str, tf.Tensor]:
        """Evaluate a batch of Keras' `fit` or `evaluate`, on one replica or several."""
        steps.test_step(self, *keras.utils.unpack_x_y_sample_weight(data))
        return self.get_metrics_result()

    def make_train_function(self, force: bool = False) -> None:
        steps.check_replicas(self)
        # `tf.function` traces twice if variables are created in the first trace, and Keras creates
        # those of the optimizer there.
        if not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
        super().make_train_function(force)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        if isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            raise InputError(
                "Keras' own `fit` and `evaluate` do not work with several workers: use "
                "`tf_seq2seq.training.fit`, which evaluates after each epoch."
            )
        # Under a strategy, Keras builds the metrics from the mean of the replicas' parts of a
        # batch, which cannot be computed if they differ in shape: give it the first part.
        if data_batch is None and iterator is not None and self._distribute_strategy is not None:
            batch = next(next(iter(iterator))[-1])
            local = self.distribute_strategy.experimental_local_results
            data_batch = tf.nest.map_structure(lambda tensor: local(tensor)[0], batch)
        super()._maybe_symbolic_build(data_batch=data_batch)

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return what Keras does, and which parts are frozen."""
        config = super().get_compile_config()
        frozen = [name for name, part in self._parts().items() if not part.trainable]
        return config and {**config, "frozen": frozen}

    def compile_from_config(self, config: dict) -> None:
        # Keras saves `trainable` of a model but not of its parts, and could then not load the state
        # of an optimizer that was built for the weights of the others.
        frozen = config.pop("frozen", ())
        for name, part in self._parts().items():
            if name in frozen:
                part.trainable = False
        # Without this, Keras would not compile a loaded model whose class overrides `compile`.
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def _parts(self) -> dict[str, keras.layers.Layer]:
        """Return the layers with weights by their paths; a layer is before those in it."""
        layers = [layer for layer in self._flatten_layers(include_self=False) if layer.weights]
        # The path of a part that was built on its own does not begin with the model's name.
        return {layer.path.removeprefix(f"{self.name}/"): layer for layer in layers}

    @property
    def _default_save_signature(self) -> tf.types.experimental.PolymorphicFunction:
        """The signature `serving_default` that `tf.saved_model.save(model, path)` writes."""
        # Keras takes the shapes from `build` by default, which receives none here.
        specs = tf.nest.map_structure(
            lambda spec: tf.TensorSpec(spec.shape, spec.dtype, spec.name), self.input_specs()
        )

        @tf.function(input_signature=[specs], autograph=False)
        def serving_default(inputs):
            with cudnn.disabled():
                outputs = self(inputs)
            return {"logits": getattr(outputs, "logits", outputs)}

        return serving_default

    def quantize(self, *args, **kwargs) -> None:
        raise InputError(
            "A sequence model does not support `quantize`; do not call it. In training, "
            "dtype='mixed_bfloat16' saves memory."
        )

    def export(self, filepath: str, *args, input_signature: Any = None, **kwargs) -> None:
        """Export like `keras.Model.export`, for batches of any shape and for any machine.

        The exported graph maps ids to the model's output. For a graph from strings to strings, use
        `tf_seq2seq.serving.export`.
        """
        if input_signature is None:
            input_signature = [self.input_specs()]
        with cudnn.disabled():
            super().export(filepath, *args, input_signature=input_signature, **kwargs)


def _check_takes_logits(noun: str, module: ModuleType, given: Any) -> None:
    """Refuse a loss or a metric of Keras that would take the logits for probabilities."""
    found = module.get(given) if isinstance(given, str) and given not in _BY_LABELS else given
    if isinstance(found, keras.losses.Loss | keras.metrics.Metric):
        from_logits = found.get_config().get("from_logits")
    elif callable(found):
        parameter = inspect.signature(found).parameters.get("from_logits")
        from_logits = parameter and parameter.default
    else:
        from_logits = _BY_LABELS.get(found) if isinstance(found, str) else None
    if from_logits is False:
        name = given if isinstance(given, str) else getattr(given, "name", None) or given.__name__
        raise InputError(
            f"The {noun} {name!r} expects probabilities, but the model returns logits: use an "
            f"object of `{module.__name__}` with from_logits=True, or the default."
        )
