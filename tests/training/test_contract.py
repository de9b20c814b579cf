"""Keras' `fit` and `training.fit` side by side: the same hooks, logs and weights, or a refusal.

The model is not one of the package's, whose `train_step` both would share. Where no graph is
needed, it runs eagerly, which takes less time.
"""

import csv
import importlib.util
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, small_model

from tf_seq2seq import InputError, LanguageModel, Perplexity, SequenceCrossEntropy, data, training
from tf_seq2seq.training.run import _learning_rate

SGD, callbacks = keras.optimizers.SGD, keras.callbacks
SLOW = pytest.mark.slow


class Record(keras.callbacks.Callback):
    """Remember each call: its name, the number of the epoch or batch, and the names of the logs."""

    def __init__(self):
        super().__init__()
        self.calls, self.values, self.rates = [], [], set()

    def __getattribute__(self, name):
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        def hook(*arguments, logs=None):
            number = [each for each in arguments if isinstance(each, int)]
            logs = next((each for each in arguments if isinstance(each, dict)), logs)
            self.calls.append((name, *number, sorted(logs or {})))
            self.values.append(list((logs or {}).values()))
            self.rates.add(float(self.model.optimizer.learning_rate))

        return hook


def batches(rows=(4, 4, 1), seed=0):
    """Batches `(features, labels)`, of which the last has fewer rows than the others."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(sum(rows), 3, 6)).astype("float32")
    labels = rng.integers(1, 5, (sum(rows), 3))
    return tf.data.Dataset.from_tensor_slices((features, labels)).batch(rows[0])


def compiled(optimizer=None, policy="float32", run_eagerly=True, **options):
    keras.utils.set_random_seed(7)
    layers = [
        keras.Input((None, 6)),
        keras.layers.Dense(8, activation="tanh", dtype=policy),
        keras.layers.Dense(5, dtype=policy),
    ]
    model = keras.Sequential(layers)
    # Keras takes the policy of the model for that of the process, which decides on loss scaling.
    model.dtype_policy = keras.dtype_policies.get(policy)
    optimizer = SGD(0.5) if optimizer is None else optimizer()
    options = {"metrics": [Perplexity()], "run_eagerly": run_eagerly, **options}
    model.compile(optimizer, SequenceCrossEntropy(), **options)
    return model


def run(fit, folder, epochs=2, with_callbacks=list, dev=(4, 3), **options):
    """Train; return the model, the record, the history and the callbacks."""
    folder.mkdir()
    model, record = compiled(**options), Record()
    used = with_callbacks(folder) if with_callbacks is not list else []
    dev = batches(dev, seed=1) if dev else None
    history = fit(model, batches(), dev, epochs=epochs, callbacks=[record, *used], folder=folder)
    return model, record, history.history, used


def keras_fit(model, train, dev, epochs, callbacks, folder):
    options = {"epochs": epochs, "callbacks": callbacks, "verbose": 0, "shuffle": False}
    return model.fit(train, validation_data=dev, **options)


def training_fit(model, train, dev, epochs, callbacks, folder):
    directory = folder / "checkpoints"
    return training.fit(model, train, dev, epochs=epochs, callbacks=callbacks, directory=directory)


def compare(tmp_path, **options):
    """Train with both, compare all that a user sees, and return the callbacks of both."""
    theirs = run(keras_fit, tmp_path / "keras", **options)
    ours = run(training_fit, tmp_path / "ours", **options)
    assert ours[1].calls == theirs[1].calls
    for a, b in zip(ours[1].values, theirs[1].values, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert ours[1].rates == theirs[1].rates
    assert ours[2].keys() == theirs[2].keys()
    for name, values in theirs[2].items():
        np.testing.assert_allclose(ours[2][name], values, rtol=1e-5, err_msg=name)
    for a, b in zip(ours[0].get_weights(), theirs[0].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
    return ours, theirs


def mostly_slow(names, *fast):
    """Only the tests whose name has one of these parts run in `make test`."""
    is_fast = [any(part in name for part in fast) for name in names]
    return [pytest.param(n, marks=[] if f else SLOW) for n, f in zip(names, is_fast, strict=True)]


EMA = {"use_ema": True, "ema_momentum": 0.5}
OPTIMIZERS = {
    "clipnorm": lambda: SGD(0.5, clipnorm=0.05),
    "clipvalue": lambda: SGD(0.5, clipvalue=0.01),
    "global_clipnorm": lambda: SGD(0.5, global_clipnorm=0.05),
    "accumulation": lambda: SGD(0.5, gradient_accumulation_steps=2, global_clipnorm=0.05),
    "averages": lambda: SGD(0.5, **EMA),
    "averages put in place": lambda: SGD(0.5, ema_overwrite_frequency=2, **EMA),
    "weight decay": lambda: SGD(0.5, weight_decay=0.1),
    "scale": lambda: SGD(0.5, loss_scale_factor=64.0),
    "Adam": lambda: keras.optimizers.Adam(0.1, global_clipnorm=0.05),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return run(training_fit, tmp_path_factory.mktemp("plain") / "x")[0].get_weights()


@pytest.mark.parametrize(
    "name", mostly_slow(OPTIMIZERS, "clip", "accumulation", "put in place", "scale")
)
def test_optimizers(name, tmp_path, plain):
    ours, _ = compare(tmp_path, optimizer=OPTIMIZERS[name])
    if name != "scale":  # the option has an effect
        assert np.abs(ours[0].get_weights()[0] - plain[0]).max() > 1e-3


@pytest.mark.parametrize(
    ("policy", "clip"),
    [
        ("mixed_float16", {"clipvalue": 0.01}),
        ("mixed_bfloat16", {}),
        pytest.param("mixed_float16", {}, marks=SLOW),
        pytest.param("mixed_bfloat16", {"clipvalue": 0.01}, marks=SLOW),
    ],
)
def test_half_precision(policy, clip, tmp_path):
    """With mixed_float16, Keras wraps the optimizer in another, which scales the loss."""
    ours, _ = compare(tmp_path, policy=policy, optimizer=lambda: SGD(0.5, **clip))
    scales = isinstance(ours[0].optimizer, keras.optimizers.LossScaleOptimizer)
    assert scales == (policy == "mixed_float16")
    assert clip or ours[2]["loss"][-1] < 0.95 * ours[2]["loss"][0]


GRAPHS = {
    "plain": {},
    "float16": {"policy": "mixed_float16"},
    "accumulation and averages": {
        "optimizer": lambda: SGD(0.5, gradient_accumulation_steps=2, clipnorm=0.05, **EMA)
    },
    "several steps": {"steps_per_execution": 3},
    "without a dev set": {"dev": None},
}


@pytest.mark.parametrize("name", mostly_slow(GRAPHS, "float16", "several"))
def test_graphs(name, tmp_path):
    compare(tmp_path, run_eagerly=False, epochs=2, **GRAPHS[name])


def test_an_eager_step_is_no_graph(tmp_path):
    seen = []

    class Look(keras.layers.Layer):
        def call(self, inputs):
            seen.append(tf.executing_eagerly())
            return inputs

    model = keras.Sequential([keras.Input((None, 6)), Look(), keras.layers.Dense(5)])
    model.compile("sgd", SequenceCrossEntropy(), metrics=[Perplexity()], run_eagerly=True)
    seen.clear()  # Keras traces the model when it is built
    training.fit(model, batches(), batches(), epochs=1, directory=tmp_path)
    training.evaluate(model, batches())
    assert len(seen) >= 9
    assert all(seen)


def test_an_eager_language_model_trains_as_a_graph_does(tmp_path):
    histories = []
    for run_eagerly in (True, False):
        keras.utils.set_random_seed(7)
        model = LanguageModel(12, 4, num_layers=1)
        model.compile(SGD(0.1), run_eagerly=run_eagerly)
        text = data.text_batches(np.arange(1, 30) % 12, batch_size=2, length=5)
        history = training.fit(model, text, text, epochs=1, directory=tmp_path).history
        histories.append(history)
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=1e-5, err_msg=name)


def best(folder):
    """Callbacks with a memory; the dev loss counts as worse from the second epoch on."""
    kept = folder / "{epoch}-{val_loss:.3f}.weights.h5"
    return [
        callbacks.EarlyStopping(patience=2, min_delta=9.0, restore_best_weights=True),
        callbacks.ReduceLROnPlateau(factor=0.5, patience=1, min_delta=9.0),
        callbacks.ModelCheckpoint(kept, save_weights_only=True),
        callbacks.ModelCheckpoint(folder / "best.keras", save_best_only=True),
        callbacks.ModelCheckpoint(
            folder / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=3
        ),
        callbacks.CSVLogger(folder / "log.csv"),
    ]


def test_callbacks_that_keep_the_best(tmp_path):
    ours, theirs = compare(tmp_path, epochs=6, with_callbacks=best, steps_per_execution=2)
    assert len(ours[2]["loss"]) == 3
    assert len(ours[1].rates) > 1
    folders = [tmp_path / name for name in ("ours", "keras")]
    files = [{path.name for path in folder.iterdir()} - {"checkpoints"} for folder in folders]
    assert files[0] == files[1]
    assert len(files[0]) > 6
    for name in ("1", "2", "3"):
        paths = [next(folder.glob(f"{name}-?.*.weights.h5")) for folder in folders]
        for model, path in zip((ours[0], theirs[0]), paths, strict=True):
            model.load_weights(path)
        np.testing.assert_allclose(*(m[0].get_weights()[0] for m in (ours, theirs)), atol=1e-6)
    tables = [list(csv.reader((folder / "log.csv").read_text().splitlines())) for folder in folders]
    assert tables[0][0] == tables[1][0]
    np.testing.assert_allclose(*(np.array(t[1:], float) for t in tables), rtol=1e-5)


def falling(folder):
    return [callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)]


def test_a_learning_rate_scheduler(tmp_path):
    assert len(compare(tmp_path, with_callbacks=falling)[0][1].rates) == 3


def to_infinity(folder):
    rate = callbacks.LearningRateScheduler(lambda epoch: math.inf if epoch == 1 else 0.1)
    return [rate, callbacks.TerminateOnNaN()]


def test_terminate_on_nan(tmp_path):
    """It ends the run as in Keras, and the last checkpoint is from before."""
    with pytest.warns(UserWarning, match=r"loss is nan at step 5, .*: no checkpoint is written"):
        ours, _ = compare(tmp_path, with_callbacks=to_infinity)
    assert [math.isnan(loss) for loss in ours[2]["loss"]] == [False, True]
    folders = training.Checkpoint(tmp_path / "ours" / "checkpoints").folders
    assert [folder.name for folder in folders] == ["epoch-1-step-0"]


def test_without_terminate_on_nan_a_loss_that_is_not_finite_is_an_error(tmp_path):
    with pytest.raises(InputError, match="loss is nan at step 5, batch 2 of epoch 2: choose a"):
        run(training_fit, tmp_path / "ours", with_callbacks=lambda _: to_infinity(_)[:1])


@pytest.mark.parametrize("on_epoch", [False, True])
def test_swapped_averages(on_epoch, tmp_path):
    compare(
        tmp_path,
        optimizer=OPTIMIZERS["averages"],
        with_callbacks=lambda folder: [callbacks.SwapEMAWeights(swap_on_epoch=on_epoch)],
    )


@pytest.mark.parametrize("fit", [keras_fit, training_fit])
def test_averages_that_there_are_not_cannot_be_swapped(fit, tmp_path):
    with pytest.raises(ValueError, match="use_ema=False"):
        run(fit, tmp_path / "x", with_callbacks=lambda _: [callbacks.SwapEMAWeights()])


class StopAt(keras.callbacks.Callback):
    def __init__(self, hook):
        super().__init__()
        setattr(self, hook, self.stop)

    def stop(self, *_, **__):
        self.model.stop_training = self.model.stop_evaluating = True


HOOKS = ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_test_batch_end"]


@pytest.mark.parametrize("hook", mostly_slow(HOOKS, "train_begin", "test"))
def test_a_callback_that_stops(hook, tmp_path):
    compare(tmp_path, with_callbacks=lambda _: [StopAt(hook)])


def test_tensorboard(tmp_path):
    if importlib.util.find_spec("tensorboard") is None:
        pytest.skip("TensorBoard is not installed")

    def board(folder):
        return [callbacks.TensorBoard(folder / "board", update_freq=2)]

    compare(tmp_path, with_callbacks=board)
    folders = [tmp_path / name / "board" for name in ("ours", "keras")]
    written = [sorted(path.name for path in folder.iterdir()) for folder in folders]
    assert written[0] == written[1]


def test_models_of_the_package_train_alike_with_repeated_words(tmp_path):
    """Keras' own step would take the sum of squares of their gradients for the square of a sum."""

    def model_and_batch():
        keras.utils.set_random_seed(7)
        model = small_model("context_and_previous")
        model.compile(keras.optimizers.Adam(0.02, global_clipnorm=0.5))
        return model, tf.data.Dataset.from_tensors(random_batch())

    ours, batch = model_and_batch()
    history = training.fit(ours, batch, batch, epochs=4, directory=tmp_path).history
    theirs, batch = model_and_batch()
    expected = theirs.fit(batch, validation_data=batch, epochs=4, verbose=0, shuffle=False).history
    assert history.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5, err_msg=name)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


class TestRefused:
    """What `training.fit` cannot do as Keras does."""

    def refuse(self, tmp_path, match, model=None, train=None, **options):
        with pytest.raises(InputError, match=match):
            training.fit(
                model or compiled(),
                train or batches(),
                epochs=1,
                directory=tmp_path / "new",
                **options,
            )
        assert not (tmp_path / "new").exists()

    def test_another_way_to_resume(self, tmp_path):
        backup = callbacks.BackupAndRestore(tmp_path / "backup")
        self.refuse(tmp_path, r"BackupAndRestore .* `resume=True`", callbacks=[backup])

    def test_callbacks_that_are_none(self, tmp_path):
        self.refuse(tmp_path, "`callbacks` must be Keras callbacks, got 'stop'", callbacks=["stop"])

    @pytest.mark.parametrize("method", ["train_step", "test_step"])
    def test_a_step_of_the_model(self, method, tmp_path):
        kind = type("Mine", (keras.Sequential,), {method: lambda self, data: {}})
        model = kind([keras.Input((None, 6)), keras.layers.Dense(5)])
        model.compile(loss=SequenceCrossEntropy())
        self.refuse(tmp_path, f"Mine defines its own `{method}`.*`compute_loss`", model)

    def test_sample_weights(self, tmp_path):
        weighted = batches().map(lambda features, labels: (features, labels, labels))
        self.refuse(tmp_path, "of `train` must be pairs .* got 3 parts", train=weighted)
        self.refuse(tmp_path, "of `dev` must be pairs .* got 3 parts", dev=weighted)
        with pytest.raises(InputError, match="of `dataset` must be pairs"):
            training.evaluate(compiled(), weighted)

    @pytest.mark.parametrize(
        ("method", "instead"),
        [
            ("fit", "training.fit"),
            ("evaluate", "training.evaluate"),
            ("train_on_batch", "training.fit"),
            ("test_on_batch", "training.evaluate"),
        ],
    )
    def test_a_language_model_in_keras_own_methods(self, method, instead):
        model = LanguageModel(12, 4, num_layers=1)
        model.compile("sgd")
        with pytest.raises(InputError, match=f"Keras' `{method}` .*`tf_seq2seq.{instead}`"):
            getattr(model, method)(np.ones((1, 2)), np.ones((1, 2)))


@pytest.mark.parametrize("nested", [lambda c: c, lambda c: [[c], []], callbacks.CallbackList])
def test_callbacks_in_any_form(nested, tmp_path):
    record = Record()
    training.fit(compiled(), batches(), epochs=1, directory=tmp_path, callbacks=nested(record))
    assert record.calls[-1][0] == "on_train_end"
    training.fit(compiled(), batches(), epochs=1, directory=tmp_path, callbacks=None)


def test_a_model_has_the_history_of_keras(tmp_path):
    model = compiled()
    history = training.fit(model, batches(), epochs=2, directory=tmp_path)
    assert model.history.history == history.history


@keras.saving.register_keras_serializable("test_contract")
def constant_rate():
    return 0.1


class TestResumedRates:
    def resume(self, directory, before, now):
        for epochs, rate in enumerate((before, now), start=1):
            model = compiled(lambda rate=rate: SGD(rate))
            training.fit(model, batches(), epochs=epochs, directory=directory, resume=True)
        return model

    def test_the_same_schedule_and_the_same_rate(self, tmp_path):
        self.resume(tmp_path / "a", 0.1, 0.1)
        rates = [training.WarmupHoldCosine(0.1, steps=8) for _ in range(2)]
        self.resume(tmp_path / "b", *rates)

    def test_of_a_function(self):
        for rate in (lambda: 0.1, constant_rate):
            assert _learning_rate(SGD(rate)) == _learning_rate(SGD(rate))

    def test_a_schedule_for_more_epochs(self, tmp_path):
        rates = [training.WarmupHoldCosine(0.1, steps=steps) for steps in (3, 6)]
        with pytest.warns(UserWarning, match=r"steps=3, .* compiled with .*steps=6, .*it is used"):
            self.resume(tmp_path, *rates)

    def test_another_rate(self, tmp_path):
        with pytest.warns(UserWarning, match=r"rate of 0.5 .* compiled with 0.25: the rate in the"):
            model = self.resume(tmp_path, 0.5, 0.25)
        assert float(model.optimizer.learning_rate) == 0.5

    def test_a_model_that_is_not_compiled_again(self, tmp_path):
        model = compiled()
        for epochs in (1, 2, 3):
            rate = callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)
            options = {"directory": tmp_path, "callbacks": [rate], "resume": True}
            training.fit(model, batches(), epochs=epochs, **options)
        assert float(model.optimizer.learning_rate) == 0.5 / 8


def test_averaged_weights_are_in_place_after_resuming(tmp_path):
    def fit(directory, epochs, resume=False):
        model = compiled(OPTIMIZERS["averages"])
        record = Record()
        options = {"directory": directory, "resume": resume, "callbacks": [record]}
        training.fit(model, batches(), epochs=epochs, **options)
        return model.get_weights(), record.calls

    whole, _ = fit(tmp_path / "whole", 3)
    fit(tmp_path / "parts", 1)
    for _ in range(2):  # the second run has nothing left to do
        resumed, calls = fit(tmp_path / "parts", 3, resume=True)
        for a, b in zip(whole, resumed, strict=True):
            np.testing.assert_array_equal(a, b)
        assert calls[-1] == ("on_train_end", ["loss", "perplexity"])
