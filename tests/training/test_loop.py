import math
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import defaults, random_batch, small_model
from tiny_models import Tiny, TinyWithState

from tf_seq2seq import (
    InputError,
    LanguageModel,
    Perplexity,
    SequenceCrossEntropy,
    TokenAccuracy,
    data,
    training,
)
from tf_seq2seq.training import evaluation, run


def translation_model(dropout=0.2):
    model = Tiny(dropout=dropout)
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    batches = tf.data.Dataset.range(5).shuffle(5, seed=3).map(lambda i: rows(i))
    return model, batches.apply(tf.data.experimental.assert_cardinality(5))


BATCHES = [random_batch(seed=seed) for seed in range(5)]
STACKED = tf.nest.map_structure(lambda *arrays: np.stack(arrays), *BATCHES)


def rows(i):
    return tf.nest.map_structure(lambda array: tf.gather(array, i), STACKED)


def with_state(dropout=0.2):
    return compiled(TinyWithState(12, dropout))


def language_model(dropout=0.2):
    return compiled(LanguageModel(12, 6, num_layers=1, dropout=dropout, word_dropout=dropout))


def compiled(model):
    """Return a compiled model, and batches of texts."""
    model.compile(keras.optimizers.SGD(0.1, global_clipnorm=1.0), metrics=[Perplexity()])
    ids = np.random.default_rng(0).integers(1, 12, 61)
    return model, data.text_batches(ids, batch_size=2, length=6)


@pytest.fixture(params=[translation_model, with_state])
def make(request):
    return request.param


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in a batch of an epoch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at = (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


def fit(make, directory, epochs=3, **options):
    keras.utils.set_random_seed(7)
    model, batches = make()
    dev = tf.data.Dataset.from_tensors(next(iter(batches)))
    history = training.fit(model, batches, dev, epochs=epochs, directory=directory, **options)
    return model, history


def test_an_interrupted_training_run_continues_where_it_was(make, tmp_path):
    """Before the first checkpoint, between two epochs, and after a checkpoint within an epoch."""
    whole, expected = fit(make, tmp_path / "whole")
    options = {"directory": tmp_path / "parts", "checkpoint_every": 2, "resume": True}
    for at in [(0, 1), (1, 0), (1, 3), (2, 4)]:
        with pytest.raises(KeyboardInterrupt):
            fit(make, callbacks=[Interrupt(*at)], **options)
    resumed, history = fit(make, **options)

    assert len(history.step_losses) == 15
    np.testing.assert_allclose(history.step_losses, expected.step_losses, rtol=1e-5)
    assert history.history.keys() == expected.history.keys()
    for name, values in expected.history.items():
        np.testing.assert_allclose(history.history[name], values, rtol=1e-5, err_msg=name)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_state_in_half_precision_is_resumed(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    _, expected = fit(language_model, tmp_path / "whole", epochs=1)
    with pytest.raises(KeyboardInterrupt):
        fit(language_model, tmp_path, 1, checkpoint_every=2, callbacks=[Interrupt(0, 3)])
    _, history = fit(language_model, tmp_path, epochs=1, resume=True)
    np.testing.assert_allclose(history.step_losses, expected.step_losses, rtol=1e-5)


def test_a_learning_rate_that_a_callback_has_lowered_is_resumed(tmp_path):
    """Callbacks see the end of an epoch before its checkpoint is written."""
    lower = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.1, patience=1, min_delta=1e9)
    fit(with_state, tmp_path, epochs=2, callbacks=[lower])
    rates = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: rates.append(float(model.optimizer.learning_rate))
    )
    model, batches = with_state()
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)
    with pytest.warns(
        UserWarning, match="callbacks that were not passed this time: ReduceLROnPlateau"
    ):
        training.fit(model, batches, epochs=3, directory=tmp_path, resume=True, callbacks=[watch])
    assert rates == pytest.approx([0.01] * 5)


def test_the_norm_of_a_gradient_sees_a_repeated_word_once(tmp_path):
    """The slices of an embedding's gradient are added up before they are clipped."""
    changes = []
    for sentence in ([[4, 4]], [[4, 5]]):
        keras.utils.set_random_seed(7)
        model = Tiny()
        model.compile(keras.optimizers.SGD(1.0, global_clipnorm=1e-3))
        before = model.get_weights()
        batch = ({"source": np.array(sentence), "target": np.array([[2, 4]])}, np.array([[4, 3]]))
        training.fit(model, tf.data.Dataset.from_tensors(batch), epochs=1, directory=tmp_path / "x")
        pairs = zip(before, model.get_weights(), strict=True)
        changes.append(math.sqrt(sum(np.sum((a - b) ** 2) for a, b in pairs)))
    np.testing.assert_allclose(changes, 1e-3, rtol=1e-2)


def test_the_state_is_carried_from_batch_to_batch_and_not_from_epoch_to_epoch(tmp_path):
    model, batches = language_model(dropout=0.0)
    model.compile(keras.optimizers.SGD(0.0))
    history = training.fit(model, batches, epochs=2, directory=tmp_path)
    np.testing.assert_allclose(history.step_losses[:5], history.step_losses[5:], rtol=1e-6)

    inputs, labels = (np.concatenate(parts, axis=1) for parts in zip(*batches, strict=True))
    whole = keras.losses.sparse_categorical_crossentropy(
        labels, model(inputs).logits, from_logits=True
    )
    np.testing.assert_allclose(np.mean(history.step_losses[:5]), np.mean(whole), rtol=1e-5)


class ShareOfOnes(keras.metrics.Mean):
    """The share of the words with id 1."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(tf.equal(y_true, 1))


def test_compiled_metrics_of_a_text_are_the_same_in_any_pieces(tmp_path):
    model, batches = language_model()
    accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
    metrics = [Perplexity("p"), TokenAccuracy(), ShareOfOnes("ones"), accuracy]
    model.compile(keras.optimizers.SGD(0.0), metrics=metrics)
    ids = np.random.default_rng(1).integers(1, 12, 61)
    expected = keras.losses.sparse_categorical_crossentropy(
        ids[None, 1:], model(ids[None, :-1]).logits, from_logits=True
    )
    right = np.argmax(model(ids[None, :-1]).logits, axis=-1) == ids[1:]
    for length in (1, 7, 60, 1000):
        figures = training.evaluate(model, data.text_batches(ids, 1, length))
        assert figures.keys() == {"loss", "p", "token_accuracy", "ones", "accuracy"}
        assert figures["loss"] == pytest.approx(float(np.mean(expected)), rel=1e-5)
        assert figures["p"] == pytest.approx(math.exp(figures["loss"]))
        assert figures["token_accuracy"] == pytest.approx(np.mean(right))
        assert figures["accuracy"] == pytest.approx(np.mean(right))
        assert figures["ones"] == pytest.approx(np.mean(ids[1:] == 1))

    history = training.fit(model, batches, batches, epochs=1, directory=tmp_path).history
    names = ["loss", "p", "token_accuracy", "ones", "accuracy"]
    assert history.keys() == {*names, *(f"val_{name}" for name in names)}
    # With the same weights and no dropout, train and dev have the same figures.
    model, batches = language_model(dropout=0.0)
    model.compile(keras.optimizers.SGD(0.0), metrics=metrics)
    history = training.fit(model, batches, batches, epochs=1, directory=tmp_path).history
    for name in names[1:]:
        assert history[f"val_{name}"] == pytest.approx(history[name], rel=1e-5)


def test_each_row_is_a_separate_text():
    model, _ = language_model()
    ids = np.random.default_rng(1).integers(1, 12, 61)
    rows = [ids[15 * row : 15 * row + 16] for row in range(4)]
    alone = [training.evaluate(model, data.text_batches(row, 1, 1))["loss"] for row in rows]
    together = training.evaluate(model, data.text_batches(ids, 4, 4))["loss"]
    assert together == pytest.approx(np.mean(alone), rel=1e-5)


def test_step_losses_are_per_word_and_never_smoothed(tmp_path):
    model = Tiny()
    loss = SequenceCrossEntropy("sentences", label_smoothing=0.1)
    model.compile(keras.optimizers.SGD(0.0), loss=loss, metrics=[Perplexity()])
    batch = tf.data.Dataset.from_tensors(random_batch())
    history = training.fit(model, batch, epochs=1, directory=tmp_path)
    assert history.step_losses == pytest.approx(
        [math.log(history.history["perplexity"][0])], rel=1e-5
    )
    assert (
        history.history["loss"][0] > 3 * history.step_losses[0]
    )  # of sentences of 13 words in all


def test_without_resume_a_run_starts_over(tmp_path):
    for _ in range(2):
        assert len(fit(with_state, tmp_path, epochs=1)[1].step_losses) == 5


def test_resume_without_a_checkpoint_starts(tmp_path):
    assert len(fit(with_state, tmp_path, epochs=1, resume=True)[1].step_losses) == 5


def test_a_finished_run_is_resumed_without_another_step(tmp_path):
    model, _ = fit(with_state, tmp_path, epochs=1)
    again, history = fit(with_state, tmp_path, epochs=1, resume=True)
    assert len(history.step_losses) == 5
    np.testing.assert_array_equal(model.get_weights()[0], again.get_weights()[0])


def test_an_older_run_is_not_resumed_in_place_of_a_new_one(tmp_path):
    fit(with_state, tmp_path, epochs=1)
    with pytest.raises(KeyboardInterrupt):
        fit(with_state, tmp_path, callbacks=[Interrupt(0, 0)])
    assert len(fit(with_state, tmp_path, epochs=2, resume=True)[1].step_losses) == 10


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_checkpoint(tmp_path):
    diverge = keras.callbacks.LearningRateScheduler(lambda epoch: float("inf") if epoch else 0.1)
    with pytest.raises(InputError, match="loss is nan at step 7, batch 2 of epoch 2: choose a"):
        fit(with_state, tmp_path, epochs=2, callbacks=[diverge])
    assert len(fit(with_state, tmp_path, epochs=2, resume=True)[1].step_losses) == 10


def test_a_loss_that_explodes_ends_the_run_and_keeps_the_checkpoint(tmp_path):
    """It stays finite in float32."""
    diverge = keras.callbacks.LearningRateScheduler(lambda epoch: 1e6 if epoch else 0.1)
    message = r"exploded to \S+ nats per word at step [78], batch [23] of epoch 2: choose a"
    with pytest.raises(InputError, match=message):
        fit(with_state, tmp_path, epochs=2, callbacks=[diverge])
    assert len(fit(with_state, tmp_path, epochs=2, resume=True)[1].step_losses) == 10


def test_checkpoints_take_a_small_share_of_the_time(tmp_path, monkeypatch):
    """A step takes a second here, and a checkpoint three, or none."""
    clock, found = [0.0], {}

    def take_time(kind, seconds):
        function = getattr(*kind)

        def patched(*arguments):
            clock[0] += seconds
            return function(*arguments)

        monkeypatch.setattr(*kind, patched)

    monkeypatch.setattr(run.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(run, "SECONDS_BETWEEN_CHECKPOINTS", 10)
    take_time((run.Run, "take_steps"), 1)
    for seconds in (0, 3):
        take_time((training.Checkpoint, "save"), seconds)
        model, batches = with_state()
        options = {"directory": tmp_path / f"{seconds}", "keep_checkpoints": 100}
        training.fit(model, batches.repeat(30), epochs=1, checkpoint_every="auto", **options)
        folders = training.Checkpoint(tmp_path / f"{seconds}").folders
        found[seconds] = [int(folder.name.rpartition("-")[2]) for folder in folders]
    assert found == {0: [*range(10, 150, 10), 0], 3: [10, 107, 0]}


def test_weights_that_are_not_finite_are_not_kept(tmp_path):
    """The loss of a step is computed before the update that spoils the weights."""
    diverge = keras.callbacks.LearningRateScheduler(lambda epoch: float("inf") if epoch else 0.1)
    with pytest.raises(InputError, match=r"weight .* is NaN or infinite after batch 1 of epoch 2:"):
        fit(with_state, tmp_path, epochs=2, checkpoint_every=1, callbacks=[diverge])
    assert len(fit(with_state, tmp_path, epochs=2, resume=True)[1].step_losses) == 10


def test_the_checkpoint_before_a_damaged_one_is_resumed(tmp_path):
    whole, expected = fit(with_state, tmp_path / "whole", epochs=2)
    with pytest.raises(KeyboardInterrupt):
        callbacks = [Interrupt(1, 4)]
        fit(with_state, tmp_path, epochs=2, checkpoint_every=2, callbacks=callbacks)
    arrays = tmp_path / "epoch-1-step-4" / "arrays.npz"
    arrays.write_bytes(arrays.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="epoch-1-step-4 is damaged .* epoch-1-step-2, is used"):
        resumed, history = fit(with_state, tmp_path, epochs=2, resume=True)
    assert history.step_losses == expected.step_losses
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_duration_is_that_of_all_parts_of_a_run(tmp_path):
    _, first = fit(with_state, tmp_path, epochs=1)
    _, both = fit(with_state, tmp_path, epochs=2, resume=True)
    _, nothing_more = fit(with_state, tmp_path, epochs=2, resume=True)
    assert 0 < first.seconds < both.seconds == nothing_more.seconds


def test_callbacks_are_those_of_keras(tmp_path):
    stop = keras.callbacks.EarlyStopping("val_perplexity", min_delta=1e9, mode="min")
    _, history = fit(with_state, tmp_path, epochs=5, callbacks=[stop])
    assert len(history.history["val_perplexity"]) == 2


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The directory of a run that has ended."""
    directory = tmp_path_factory.mktemp("trained")
    fit(with_state, directory, epochs=1)
    return directory


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("damaged arrays", "epoch-1-step-0 is damaged"),
        ("empty arrays", "epoch-1-step-0 is damaged"),
        (
            "another vocabulary",
            r"has the shape \(12, 6\) .*, but the model's has the shape \(13, 6\)",
        ),
        ("another model", r"lacks the variable 'model/source/embeddings'"),
        ("another optimizer", r"lacks the variable 'optimizer/momentums/words/embeddings'"),
        ("other metrics", r"lacks the variable 'metrics/token_accuracy/total'"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_named(trained, tmp_path, fault, message):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    arrays = tmp_path / "epoch-1-step-0" / "arrays.npz"
    if fault.endswith("arrays"):
        arrays.write_bytes(b"damaged" if fault.startswith("damaged") else b"")
    before = arrays.read_bytes()

    def make():
        model, batches = (translation_model if fault == "another model" else with_state)()
        if fault == "another vocabulary":
            model = TinyWithState(13)
            model.compile(keras.optimizers.SGD(0.1))
        if fault == "another optimizer":
            model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
        if fault == "other metrics":
            model.compile(keras.optimizers.SGD(0.1), metrics=[TokenAccuracy()])
        return model, batches

    with pytest.raises(InputError, match=f"{tmp_path} cannot be used: .*{message}.*`resume`"):
        fit(make, tmp_path, epochs=2, resume=True)
    assert arrays.read_bytes() == before


def test_a_checkpoint_within_an_epoch_of_other_batches_is_named(tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt):
        fit(with_state, tmp_path, checkpoint_every=2, callbacks=[Interrupt(0, 4)])
    for steps in (3, 8):

        def other(steps=steps):
            model, batches = with_state()
            return model, batches.repeat(2).take(steps)

        with pytest.raises(InputError, match=f"batch 4 of 5, but an epoch now has {steps}"):
            fit(other, tmp_path, resume=True)
        assert "Training continues" not in capsys.readouterr().out


def test_the_norm_of_the_gradient_is_that_of_a_small_step():
    model = Tiny(dropout=0.0)
    model.compile(keras.optimizers.SGD(1e-3))
    inputs, labels = random_batch()
    before = [weight.numpy() for weight in model.trainable_variables]
    length = training.gradient_norm(model, inputs, labels)
    model.train_on_batch(inputs, labels)
    steps = [w - b for w, b in zip(model.trainable_variables, before, strict=True)]
    moved = np.sqrt(sum(np.sum(np.square(step)) for step in steps))
    assert moved == pytest.approx(1e-3 * length, rel=1e-3)


def test_a_loss_too_large_for_a_perplexity():
    model, batches = language_model()
    model.bias.assign(1e4 * np.eye(12)[0])
    assert training.evaluate(model, batches)["perplexity"] == np.inf


def test_a_dataset_without_an_end(tmp_path):
    model, batches = with_state()
    with pytest.raises(InputError, match="known, finite number"):
        training.fit(model, batches.repeat(), epochs=1, directory=tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": -1}, "`epochs` must be an integer of at least 0, got -1"),
        ({"epochs": 1.0}, "`epochs`"),
        ({"resume": 1}, "`resume` must be True or False, got 1"),
        ({"checkpoint_every": 0}, "`checkpoint_every` must be an integer of at least 1, got 0"),
        ({"checkpoint_every": "often"}, "`checkpoint_every` must be an integer"),
        ({"keep_checkpoints": 0}, "`keep_checkpoints` must be an integer of at least 1, got 0"),
        ({"keep_weights": True}, "`keep_weights` must be an integer"),
    ],
)
def test_arguments_out_of_range(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        training.fit(None, None, **{"epochs": 1, "directory": tmp_path / "x", **options})
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("carries_state", [True, False])
def test_an_empty_dataset_cannot_be_evaluated_on(carries_state):
    model = with_state()[0] if carries_state else Tiny()
    model.compile()
    empty = tf.data.Dataset.from_tensors(random_batch()).take(0)
    with pytest.raises(InputError, match="the dataset is empty"):
        training.evaluate(model, empty)


def test_a_dataset_that_repeats_forever_cannot_be_evaluated_on(tmp_path):
    model = Tiny()
    model.compile()
    batch = tf.data.Dataset.from_tensors(random_batch())
    with pytest.raises(InputError, match=r"`dataset` repeats forever: leave `repeat\(\)` out"):
        training.evaluate(model, batch.repeat())
    with pytest.raises(InputError, match="`dev` repeats forever"):
        training.fit(model, batch, batch.repeat(), epochs=1, directory=tmp_path)


@pytest.mark.parametrize("carries_state", [True, False])
def test_a_model_that_is_not_compiled_is_refused(carries_state, tmp_path):
    model = with_state()[0] if carries_state else Tiny()
    model.compiled = False
    batches = tf.data.Dataset.from_tensors(random_batch())
    with pytest.raises(InputError, match="call `compile` first"):
        training.evaluate(model, batches)
    with pytest.raises(InputError, match="call `compile` first"):
        training.fit(model, batches, epochs=1, directory=tmp_path)


def test_evaluation_leaves_no_trace_in_metrics_that_it_creates():
    model, batches = with_state()
    training.evaluate(model, batches)
    assert [float(variable) for variable in model.metrics_variables] == [0.0] * 4


def test_evaluation_leaves_the_metrics_of_the_training_alone():
    model = Tiny()
    model.compile(metrics=[Perplexity()])
    batch = random_batch()
    model.compute_metrics(batch[0], batch[1], model(batch[0]))
    before = float(model.get_metrics_result()["perplexity"])
    other = tf.data.Dataset.from_tensors(random_batch(seed=5))
    assert training.evaluate(model, other)["perplexity"] != pytest.approx(before)
    assert float(model.get_metrics_result()["perplexity"]) == before


def test_the_defaults():
    assert defaults(training.fit) == {
        "dev": None,
        "resume": False,
        "settings": None,
        "checkpoint_every": None,
        "keep_checkpoints": 2,
        "keep_weights": 0,
        "callbacks": (),
    }


@pytest.mark.parametrize("kind", ["translation", "language"])
def test_evaluation_traces_two_graphs_for_batches_of_any_width(kind):
    model, _ = translation_model() if kind == "translation" else with_state()
    traced, call = [], model.call

    def counted(*arguments, **options):
        traced.append(1)
        return call(*arguments, **options)

    model.call = counted
    batches = [random_batch([(width, width)]) for width in (2, 3, 4, 5)]
    ids = tf.TensorSpec([None, None], tf.int64)
    inputs = {"source": ids, "target": ids}
    if kind == "language":
        batches, inputs = [(labels % 12, labels % 12) for _, labels in batches], ids
    dataset = tf.data.Dataset.from_generator(lambda: batches, output_signature=(inputs, ids))
    training.evaluate(model, dataset)
    assert len(traced) <= 2


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("make", "together"),
    [
        (translation_model, 3),
        (with_state, 10),
        pytest.param(translation_model, 10, marks=SLOW),
        pytest.param(with_state, 3, marks=SLOW),
    ],
)
def test_several_steps_at_once_train_the_same(make, together, tmp_path, monkeypatch):
    """Callbacks hear of the last of them, and a checkpoint is written at its step all the same."""
    _, expected = fit(make, tmp_path / "one by one")
    heard = []

    class Listen(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            heard.append(batch)

    def several():
        model, batches = make()
        model.steps_per_execution = together
        return model, batches

    fetched = []

    def metric_values(model):
        fetched.append(1)
        return evaluation.metric_values(model)

    monkeypatch.setattr(run, "metric_values", metric_values)
    options = {"checkpoint_every": 4, "callbacks": [Listen()]}
    _, history = fit(several, tmp_path / "several", **options)
    np.testing.assert_array_equal(history.step_losses, expected.step_losses)
    assert history.history == expected.history
    # As in Keras, the last number is that of a full execution.
    assert heard == {3: [2, 3, 6], 10: [3, 7]}[together] * 3
    # The host waits for values as often, and once more at the end of an epoch.
    assert len(fetched) == len(heard) + 3


def attention_model(dropout=0.2):
    model, batches = small_model("additive_current", dropout=dropout), translation_model()[1]
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    return model, batches


@pytest.mark.parametrize(
    "make",
    [
        translation_model,
        *(pytest.param(each, marks=SLOW) for each in (with_state, attention_model, language_model)),
    ],
)
def test_a_training_step_compiled_by_xla_trains_the_same(make, tmp_path):
    def losses(jit_compile):
        def compiled():
            model, batches = make(dropout=0.0)  # XLA draws other masks
            optimizer, loss = model.optimizer, model.loss
            model.compile(optimizer, loss, jit_compile=jit_compile)
            return model, batches

        return fit(compiled, tmp_path, epochs=1)[1].step_losses

    np.testing.assert_allclose(losses(True), losses(False), atol=1e-5)
