import os
import signal

import keras
import numpy as np
import pytest
from tiny_models import TinyWithState

from tf_seq2seq import InputError, data, training
from tf_seq2seq.training import AverageWeights

IDS = np.random.default_rng(0).integers(1, 12, 61)
STEPS = 5


class Follow(keras.callbacks.Callback):
    """Record the weights after each batch, and those with which the model is evaluated."""

    def __init__(self):
        super().__init__()
        self.weights, self.evaluated = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(self.model.get_weights())

    def on_test_batch_begin(self, batch, logs=None):
        self.evaluated.append(self.model.get_weights())


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the second epoch, which is the first to be averaged."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == (1, 4):
            raise KeyboardInterrupt


def fit(directory, callbacks, epochs=3, resume=False, steps_per_execution=1, **options):
    keras.utils.set_random_seed(1)
    model = TinyWithState(12, 0.2)
    optimizer = keras.optimizers.SGD(0.5, **options)
    model.compile(optimizer, steps_per_execution=steps_per_execution)
    text = data.text_batches(IDS, batch_size=2, length=6)
    history = training.fit(
        *(model, text, text),
        epochs=epochs,
        directory=directory,
        resume=resume,
        checkpoint_every=1,
        callbacks=callbacks,
    )
    return model.get_weights(), history


def assert_same(ours, expected, **tolerance):
    for mine, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, other, **tolerance)


def test_the_mean_of_every_second_batch_from_the_second_epoch_on(tmp_path):
    follow, plain = Follow(), Follow()
    weights, _ = fit(tmp_path / "a", [AverageWeights(begin=1, every=2), follow])
    fit(tmp_path / "b", [plain])
    for mine, other in zip(follow.weights, plain.weights, strict=True):
        assert_same(mine, other, rtol=0)  # training is the same
    taken = [plain.weights[STEPS + i] for i in (1, 3, 6, 8)]

    def mean(count):
        return [np.mean(arrays, axis=0) for arrays in zip(*taken[:count], strict=True)]

    assert_same(weights, mean(4), rtol=1e-5, atol=1e-6)
    in_epochs = follow.evaluated[:: len(follow.evaluated) // 3]
    assert_same(in_epochs[0], plain.weights[STEPS - 1], rtol=0)
    assert_same(in_epochs[1], mean(2), rtol=1e-5, atol=1e-6)
    assert_same(in_epochs[2], mean(4), rtol=1e-5, atol=1e-6)


def test_a_resumed_run_has_the_same_average(tmp_path):
    expected, history = fit(tmp_path / "whole", [AverageWeights(1, every=2)])
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "parts", [AverageWeights(1, every=2), Interrupt()])
    for _ in range(2):  # the second time, nothing is left to train
        weights, resumed = fit(tmp_path / "parts", [AverageWeights(1, every=2)], resume=True)
        assert_same(weights, expected, rtol=0)
        assert resumed.history == history.history


def test_a_run_that_is_resumed_to_begin_later_averages_only_later_epochs(tmp_path):
    fit(tmp_path, [AverageWeights(0, every=2)], epochs=2)
    follow, average = Follow(), AverageWeights(2, every=2)
    with pytest.warns(UserWarning, match="starts again: `begin` is 2, but it was 0"):
        weights, _ = fit(tmp_path, [average, follow], resume=True)
    assert average.count == 2
    pairs = zip(follow.weights[1], follow.weights[3], strict=True)
    assert_same(weights, [(a + b) / 2 for a, b in pairs], rtol=1e-5, atol=1e-6)


def test_several_steps_per_execution_skip_no_weights(tmp_path):
    """Keras calls callbacks after steps 3 and 6, the last one as if the epoch had 6 of them."""
    average = AverageWeights(0, every=2)
    fit(tmp_path, [average], epochs=1, steps_per_execution=3)
    assert average.count == 2


def test_a_failed_evaluation_leaves_nothing_for_the_next_run(tmp_path):
    class Fail(keras.callbacks.Callback):
        def on_test_batch_begin(self, batch, logs=None):
            if average.count:
                raise KeyboardInterrupt

    average, follow = AverageWeights(1, every=2), Follow()
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, [average, Fail()])
    weights, _ = fit(tmp_path / "next", [average, follow], epochs=2)
    assert_same(follow.evaluated[0], follow.weights[STEPS - 1], rtol=0)
    pairs = zip(follow.weights[STEPS + 1], follow.weights[STEPS + 3], strict=True)
    assert_same(weights, [(a + b) / 2 for a, b in pairs], rtol=1e-5, atol=1e-6)


def test_sigterm_during_the_evaluation_saves_the_weights_in_training(tmp_path):
    class Terminate(keras.callbacks.Callback):
        def on_test_batch_begin(self, batch, logs=None):
            if average.count:
                os.kill(os.getpid(), signal.SIGTERM)

    expected, _ = fit(tmp_path / "whole", [AverageWeights(1, every=2)])
    average, follow = AverageWeights(1, every=2), Follow()
    with pytest.raises(training.Interrupted):
        fit(tmp_path / "parts", [average, follow, Terminate()])
    model = TinyWithState(12, 0.2)
    training.Checkpoint(tmp_path / "parts").restore_weights(model)
    assert_same(model.get_weights(), follow.weights[-1], rtol=0)
    weights, _ = fit(tmp_path / "parts", [AverageWeights(1, every=2)], resume=True)
    assert_same(weights, expected, rtol=0)


def test_without_a_batch_to_average_the_weights_stay(tmp_path):
    follow = Follow()
    with pytest.warns(UserWarning, match=r"begin=1\) averages nothing in 1 epochs"):
        weights, _ = fit(tmp_path, [AverageWeights(1, every=2), follow], epochs=1)
    assert_same(weights, follow.weights[-1], rtol=0)


def test_two_averages_are_refused(tmp_path):
    with pytest.raises(InputError, match="use_ema=True would both replace the weights"):
        fit(tmp_path, [AverageWeights(0)], use_ema=True)


def test_an_epoch_of_too_few_batches_is_refused(tmp_path):
    with pytest.raises(InputError, match="an epoch has 5 batches: pass `every` of at most 5"):
        fit(tmp_path, [AverageWeights(0, every=6)])


@pytest.mark.parametrize(
    "other",
    [
        lambda: keras.callbacks.EarlyStopping(restore_best_weights=True),
        lambda: keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True),
    ],
)
def test_callbacks_that_keep_weights_that_were_not_evaluated_are_refused(tmp_path, other):
    with pytest.raises(InputError, match="evaluates their average: use one of them"):
        fit(tmp_path, [AverageWeights(0), other()])


@pytest.mark.parametrize(("option", "wrong"), [("begin", -1), ("every", 0), ("begin", 0.5)])
def test_arguments_out_of_range(option, wrong):
    with pytest.raises(InputError, match=f"`{option}`.*got {wrong}"):
        AverageWeights(**{"begin": 1, option: wrong})
