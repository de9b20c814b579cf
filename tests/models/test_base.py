"""What the models share: defaults of `compile`, loading, no XLA, Keras' own export."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, small_model

from tf_seq2seq import Ensemble, InputError, LanguageModel, Seq2Seq, SequenceCrossEntropy
from tf_seq2seq.models import SequenceModel

MODELS = {
    "translator": lambda: small_model("additive_current", "simple_rnn"),
    "ensemble": lambda: Ensemble([small_model("initial_state"), small_model("dot_previous")]),
    "language_model": lambda: LanguageModel(12, 6),
}


GPU = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]()


def test_xla_is_off_on_a_cpu_and_on_elsewhere(model, monkeypatch):
    model.compile()
    assert not model.jit_compile
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda: [GPU])
    model.compile()
    assert model.jit_compile
    model.compile(jit_compile=False)
    assert not model.jit_compile


def test_what_is_given_to_compile_is_taken():
    model, loss = small_model("initial_state"), SequenceCrossEntropy("sentences")
    model.compile(keras.optimizers.SGD(0.5), loss=loss, metrics=[], run_eagerly=True)
    assert model.loss is loss
    assert float(model.optimizer.learning_rate) == 0.5
    assert set(model.evaluate(*random_batch(), verbose=0, return_dict=True)) == {"loss"}
    model.compile(run_eagerly=True)
    assert model.loss.average == "tokens"
    metrics = model.evaluate(*random_batch(), verbose=0, return_dict=True)
    assert set(metrics) == {"loss", "perplexity", "token_accuracy"}


def test_a_loaded_model_is_compiled_with_what_it_was_compiled_with(tmp_path):
    model = LanguageModel(12, 6)
    model.compile(keras.optimizers.SGD(0.5), loss=SequenceCrossEntropy(label_smoothing=0.1))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.loss.label_smoothing == 0.1
    assert float(loaded.optimizer.learning_rate) == 0.5


def test_frozen_parts_stay_as_they_are_and_stay_frozen_in_a_file(tmp_path):
    model, batch = small_model("additive_current"), random_batch()
    model.encoder.trainable = False
    model.decoder.words.trainable = False
    model.compile(keras.optimizers.Adam(0.1))
    before = {weight.path: weight.numpy() for weight in model.weights}
    model.fit(*batch, epochs=2, verbose=0)
    for weight in model.weights:
        frozen = weight.path.startswith((model.encoder.path, model.decoder.words.path))
        if "seed" not in weight.path:
            assert np.array_equal(weight, before[weight.path]) == frozen, weight.path
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")  # a warning would be an error
    assert not loaded.encoder.trainable and not loaded.decoder.words.trainable
    assert len(loaded.trainable_variables) == len(model.trainable_variables)
    for ours, theirs in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_keras_own_fit_traces_a_step_once(monkeypatch):
    traced, train_step = [], Seq2Seq.train_step
    monkeypatch.setattr(
        Seq2Seq, "train_step", lambda self, data: traced.append(1) or train_step(self, data)
    )
    model = small_model("initial_state", "simple_rnn")
    model.compile()
    model.fit(*random_batch(), epochs=2, verbose=0)
    assert len(traced) == 1


@pytest.mark.parametrize("name", ["translator", "ensemble"])
def test_keras_own_export_works_without_a_call(name, tmp_path):
    model, (inputs, _) = MODELS[name](), random_batch()
    model.export(str(tmp_path / "model"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    for batch in (inputs, {side: ids[:1, :2] for side, ids in inputs.items()}):
        batch = {side: tf.constant(ids, tf.int32) for side, ids in batch.items()}
        np.testing.assert_allclose(loaded.serve(batch), model(batch), atol=1e-5)


def test_a_subclass_must_say_what_it_takes():
    class Incomplete(SequenceModel):
        recurrent_layers = ()

    with pytest.raises(NotImplementedError, match="Incomplete does not define `input_specs`"):
        Incomplete().export("nowhere")


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_quantization_is_refused(model, mode):
    with pytest.raises(ValueError, match="does not support `quantize`"):
        model.quantize(mode)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "sparse_categorical_crossentropy"},
        {"loss": "ce"},
        {"loss": keras.losses.sparse_categorical_crossentropy},
        {"loss": keras.losses.SparseCategoricalCrossentropy()},
        {"metrics": ["accuracy", "sparse_categorical_crossentropy"]},
        {"weighted_metrics": [keras.metrics.SparseCategoricalCrossentropy(name="xent")]},
    ],
)
def test_a_loss_or_metric_of_probabilities_is_refused(options):
    with pytest.raises(InputError, match=r"expects probabilities, .* with from_logits=True"):
        small_model("initial_state", "simple_rnn").compile(**options)


def test_losses_and_metrics_of_keras_on_logits():
    model, (inputs, labels) = small_model("initial_state", "simple_rnn"), random_batch()
    model.compile(run_eagerly=True)
    expected = model.evaluate(inputs, labels, verbose=0)[0]
    for loss in (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        functools.partial(keras.losses.sparse_categorical_crossentropy, from_logits=True),
    ):
        model.compile(loss=loss, metrics=["acc"], run_eagerly=True)
        found, _ = model.evaluate(inputs, labels, verbose=0)  # without padding
        assert found == pytest.approx(expected, rel=1e-5)


def test_callbacks_know_which_values_are_better():
    model, (inputs, labels) = small_model("initial_state", "simple_rnn"), random_batch()
    model.compile(run_eagerly=True)
    callbacks = [
        keras.callbacks.EarlyStopping(f"val_{name}") for name in ("perplexity", "token_accuracy")
    ]
    model.fit(inputs, labels, validation_data=(inputs, labels), verbose=0, callbacks=callbacks)
    assert [each.monitor_op for each in callbacks] == [keras.ops.less, keras.ops.greater]
