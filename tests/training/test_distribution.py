"""Two replicas train as one does: the same losses, step by step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from distributed_models import MODELS, TINY
from helpers import run_python

from tf_seq2seq import InputError, Perplexity, data, training
from tf_seq2seq.models import SequenceModel

STEPS = 20


def models(*fast):
    """All models by name, of which `make test` tries the tiny ones and those named."""
    every = {**TINY, **MODELS}
    marks = {name: [] if name in (*TINY, *fast) else [pytest.mark.slow] for name in every}
    return [pytest.param(make, id=name, marks=marks[name]) for name, make in every.items()]


@pytest.mark.parametrize("make", models("attention after"))
def test_two_replicas_give_the_losses_of_one(make, tmp_path):
    histories = []
    for strategy in (training.strategy("default"), training.strategy("mirrored")):
        keras.utils.set_random_seed(3)
        with strategy.scope():
            model, batches = make()
        history = training.fit(
            model, batches, batches, epochs=STEPS // 5, directory=tmp_path / "checkpoint"
        )
        histories.append(history)
    one, two = histories
    assert len(one.step_losses) == STEPS
    assert one.step_losses[-1] < one.step_losses[0]
    np.testing.assert_allclose(one.step_losses, two.step_losses, rtol=0, atol=1e-4)
    for metric, values in one.history.items():
        np.testing.assert_allclose(values, two.history[metric], rtol=1e-4, err_msg=metric)


def test_replicas_resume_in_the_middle_of_an_epoch(tmp_path):
    def fit(directory, **options):
        keras.utils.set_random_seed(3)
        with training.strategy("mirrored").scope():
            model, batches = TINY["tiny with state"]()
        return training.fit(model, batches, epochs=2, directory=directory, **options).step_losses

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 3:
                raise KeyboardInterrupt

    whole = fit(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "parts", checkpoint_every=2, callbacks=[Interrupt()])
    np.testing.assert_allclose(fit(tmp_path / "parts", resume=True), whole, rtol=1e-5)


@pytest.mark.parametrize("make", models())
def test_another_number_of_replicas_resumes(make, tmp_path):
    """In the middle of an epoch, in both directions."""

    def fit(directory, strategy, **options):
        keras.utils.set_random_seed(3)
        with training.strategy(strategy).scope():
            model, batches = make()
        return training.fit(model, batches, epochs=2, directory=directory, **options).step_losses

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 3:
                raise KeyboardInterrupt

    whole = fit(tmp_path / "whole", "default")
    for first, second in (("mirrored", "default"), ("default", "mirrored")):
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path / first, first, checkpoint_every=2, callbacks=[Interrupt()])
        resumed = fit(tmp_path / first, second, resume=True)
        np.testing.assert_allclose(resumed, whole, rtol=1e-5)


def test_rows_that_replicas_cannot_share(tmp_path):
    with training.strategy("mirrored").scope():
        model, _ = TINY["tiny with state"]()
    batches = data.text_batches(np.arange(1, 15), batch_size=3, length=2)
    with pytest.raises(InputError, match=r"Batches of 3 rows .* on 2 replicas"):
        training.fit(model, batches, epochs=1, directory=tmp_path)


def test_each_worker_evaluates_all_texts(monkeypatch, tmp_path):
    """The rows of one worker alone would give it a different loss."""
    with training.strategy("mirrored").scope():
        model, batches = TINY["tiny with state"]()
    monkeypatch.setattr(training.Workers, "sharing", lambda self, dataset: 1)
    with pytest.raises(InputError, match=r"`dev` has the rows of one worker alone, .* all rows"):
        training.fit(model, batches, batches, epochs=1, directory=tmp_path)
    with pytest.raises(InputError, match=r"`dataset` has the rows of one worker alone"):
        training.evaluate(model, batches)


def test_an_unknown_strategy():
    with pytest.raises(InputError, match="'tpu'"):
        training.strategy("tpu")


def test_the_cpu_is_divided_into_two_devices():
    """In a fresh process, where nothing has divided it yet."""
    printed = run_python(
        "import tensorflow as tf; from tf_seq2seq import training; "
        "print(training.strategy('mirrored').num_replicas_in_sync, "
        "len(tf.config.list_logical_devices('CPU')))"
    )
    assert printed.split() == ["2", "2"]


def test_several_replicas_refuse_xla(tmp_path):
    with training.strategy("mirrored").scope():
        model, batches = TINY["tiny"]()
        model.compile(jit_compile=True)
    with pytest.raises(InputError, match=r"several replicas: .* `jit_compile=False`"):
        training.fit(model, batches, epochs=1, directory=tmp_path)


@pytest.mark.parametrize("failure", [None, RuntimeError, ValueError])
def test_gpus_give_their_memory_bit_by_bit(failure, monkeypatch):
    """If they were not used before."""
    asked = []

    def set_memory_growth(gpu, enable):
        asked.append((gpu, enable))
        if failure is not None:
            raise failure

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", set_memory_growth)
    assert training.strategy("default") is tf.distribute.get_strategy()
    assert asked == [("GPU", True)]


class Dense(SequenceModel):
    """The smallest model of the package."""

    def __init__(self, policy):
        super().__init__()
        self.layer = keras.layers.Dense(5, dtype=policy)
        self.layer.build((None, None, 6))

    def call(self, features, training=None):
        return self.layer(features)


def dense(policy="float32", scale=2.0**8, **options):
    """A tiny model, and batches of 3, 3 and 1 rows, which two replicas cannot share evenly."""
    keras.utils.set_random_seed(3)
    model = Dense(policy)
    optimizer = keras.optimizers.SGD(0.5, **options)
    if policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=scale)
    model.compile(optimizer, metrics=[Perplexity()])
    rng = np.random.default_rng(0)
    features = rng.normal(size=(7, 3, 6)).astype("float32")
    labels = np.where(rng.random((7, 3)) < 0.3, 0, rng.integers(1, 5, (7, 3)))
    return model, tf.data.Dataset.from_tensor_slices((features, labels)).batch(3)


@pytest.mark.parametrize(
    "options",
    [
        {"clipnorm": 0.05, "policy": "mixed_float16"},
        {"clipvalue": 0.01, "loss_scale_factor": 8.0},
        {"global_clipnorm": 0.05, "use_ema": True, "ema_momentum": 0.5},
    ],
)
def test_replicas_clip_scale_and_average_as_one(options, tmp_path):
    weights = []
    for name in ("default", "mirrored"):
        with training.strategy(name).scope():
            model, batches = dense(**options)
        training.fit(model, batches, epochs=2, directory=tmp_path)
        weights.append(model.get_weights())
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-4 if "policy" in options else 1e-6)


def test_replicas_skip_a_step_whose_gradients_overflow(tmp_path):
    with training.strategy("mirrored").scope():
        model, batches = dense(policy="mixed_float16", scale=2.0**30, clipvalue=0.01)
    before = model.get_weights()
    training.fit(model, batches, epochs=2, directory=tmp_path)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert model.optimizer.dynamic_scale.numpy() == 2.0**24


@pytest.mark.parametrize("option", ["gradient_accumulation_steps", "ema_overwrite_frequency"])
@pytest.mark.parametrize("fit", ["ours", "Keras'"])
def test_what_replicas_cannot_do_is_refused(option, fit, tmp_path):
    options = {option: 2, "use_ema": True} if "ema" in option else {option: 2}
    with training.strategy("mirrored").scope():
        model, batches = dense(**options)
    with pytest.raises(InputError, match=f"has {option}=2, .* on 2 replicas: leave it out"):
        if fit == "ours":
            training.fit(model, batches, epochs=1, directory=tmp_path)
        else:
            model.fit(batches, shuffle=False)


def test_keras_own_fit_with_a_first_batch_that_replicas_cannot_share_evenly():
    results = []
    for name in ("default", "mirrored"):
        with training.strategy(name).scope():
            model, batches = dense(global_clipnorm=0.05)
        options = {"validation_data": batches, "shuffle": False, "verbose": 0}
        results.append((model.fit(batches, epochs=2, **options).history, model.get_weights()))
    (one, weights), (two, others) = results
    for metric, values in one.items():
        np.testing.assert_allclose(two[metric], values, rtol=1e-5, err_msg=metric)
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
