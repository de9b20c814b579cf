import keras
import numpy as np
import pytest
from tiny_models import TinyWithState

from tf_seq2seq import InputError, data, training
from tf_seq2seq.training.callbacks import get_states, quiet, set_states


class Memory(keras.callbacks.Callback):
    def __init__(self, state=None):
        super().__init__()
        self.state = state

    def get_state(self):
        return self.state

    def set_state(self, state):
        self.state = state


class Patient(keras.callbacks.EarlyStopping):
    """A subclass of one of Keras' callbacks."""


def test_states_of_the_protocol():
    array = np.arange(3, dtype="float16")
    state = {"a": [1, {"b": array, "c": None}], "d": np.float32(0.5), "e": float("inf"), "f": (1,)}
    states, arrays = get_states([Memory(state), keras.callbacks.Callback(), Memory("second")])
    assert arrays == {"callbacks/Memory/0/a/1/b": array}
    first, second = Memory(), Memory()
    assert set_states([keras.callbacks.Callback(), first, second], states, arrays) == []
    assert first.state["a"][1]["b"] is array
    assert first.state | {"a": None} == {"a": None, "d": 0.5, "e": float("inf"), "f": [1]}
    assert first.state["a"][0] == 1
    assert second.state == "second"


def test_a_state_without_its_callback_is_named_and_one_more_callback_is_left_alone():
    states, arrays = get_states([Memory(1), Patient()])
    more = [Memory(), Memory("more")]
    assert set_states(more, states, arrays) == ["Patient/0"]
    assert [callback.state for callback in more] == [1, "more"]


def test_those_of_a_worker_that_is_not_the_chief_neither_write_nor_print(tmp_path):
    kept = [keras.callbacks.EarlyStopping(verbose=1), Patient(verbose=1), Memory()]
    left_out = [keras.callbacks.ProgbarLogger(), keras.callbacks.CSVLogger(tmp_path / "log")]
    assert quiet([*kept, *left_out]) == kept
    assert [kept[0].verbose, kept[1].verbose] == [0, 1]  # your own class decides for itself


def test_a_state_that_cannot_be_written():
    with pytest.raises(InputError, match=r"`get_state` of the callback Memory .* set is not"):
        get_states([Memory({"names": {1, 2}})])


def test_those_of_keras():
    stop, lower = Patient(), keras.callbacks.ReduceLROnPlateau()
    best = keras.callbacks.ModelCheckpoint("best.keras")
    swap = keras.callbacks.SwapEMAWeights()
    for callback in (stop, lower):
        callback.on_train_begin()
    stop.best_weights = [np.ones(2), np.zeros(1)]
    states, arrays = get_states([stop, lower, best, swap])
    assert states == {
        "Patient/0": {
            "best": None,
            "best_epoch": 0,
            "best_weights": [
                {"array of the checkpoint": f"callbacks/Patient/0/best_weights/{i}"} for i in (0, 1)
            ],
            "stopped_epoch": 0,
            "wait": 0,
        },
        "ReduceLROnPlateau/0": {"best": None, "cooldown_counter": 0, "wait": 0},
        "ModelCheckpoint/0": {
            "best": None,
            "_batches_seen_since_last_saving": 0,
            "_last_batch_seen": None,
        },
        "SwapEMAWeights/0": {"_ema_weights_in_model": False},
    }
    again = Patient(patience=3)
    states["Patient/0"]["wait"] = 2
    set_states([again], {"Patient/0": states["Patient/0"]}, arrays)
    assert (again.wait, again.patience) == (2, 3)
    np.testing.assert_array_equal(again.best_weights[0], [1, 1])


def fit(directory, callbacks, epochs, resume=False, **options):
    keras.utils.set_random_seed(7)
    model = TinyWithState()
    model.compile(keras.optimizers.SGD(0.1, **options))
    ids = np.random.default_rng(0).integers(1, 12, 61)
    batches = data.text_batches(ids, batch_size=2, length=6)
    history = training.fit(
        model,
        batches,
        batches.take(2),
        epochs=epochs,
        directory=directory,
        resume=resume,
        checkpoint_every=2,
        callbacks=callbacks,
    )
    return model, history


def with_memory():
    """Callbacks of which the first never sees an improvement after the first epoch."""
    return [
        keras.callbacks.EarlyStopping(patience=3, min_delta=1e9, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_delta=1e9),
        # Called twice for an epoch, this would lower the rate twice.
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.9 * rate),
    ]


class Stop(keras.callbacks.Callback):
    def __init__(self, epoch, batch, by):
        super().__init__()
        self.at, self.by = (epoch, batch), by

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            if self.by is None:
                self.model.stop_training = True
            else:
                raise self.by


def weights(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [np.asarray(variable).tolist() for variable in variables]


def test_resumed_callbacks_do_what_they_would_have_done(tmp_path):
    whole, expected = fit(tmp_path / "whole", with_memory(), epochs=9)
    assert len(expected.history["val_loss"]) == 4
    for at in [(0, 3), (1, 1), (2, 3)]:
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path / "parts", [*with_memory(), Stop(*at, KeyboardInterrupt)], 9, resume=True)
    resumed, history = fit(tmp_path / "parts", with_memory(), epochs=9, resume=True)
    assert history.history == expected.history
    assert history.step_losses == expected.step_losses
    assert weights(resumed) == weights(whole)
    # It remains stopped, with the best weights.
    again, history = fit(tmp_path / "parts", with_memory(), epochs=9, resume=True)
    assert len(history.history["val_loss"]) == 4
    assert weights(again) == weights(whole)


def test_averaged_weights_are_not_taken_for_those_in_training(tmp_path):
    """SwapEMAWeights exchanges them after each epoch, before the checkpoint is written."""
    options = {"use_ema": True, "ema_momentum": 0.5}
    swap = keras.callbacks.SwapEMAWeights
    whole, _ = fit(tmp_path / "whole", [swap(swap_on_epoch=True)], 3, **options)
    with pytest.raises(KeyboardInterrupt):
        callbacks = [swap(swap_on_epoch=True), Stop(2, 0, KeyboardInterrupt)]
        fit(tmp_path / "parts", callbacks, 3, **options)
    resumed, _ = fit(tmp_path / "parts", [swap(swap_on_epoch=True)], 3, resume=True, **options)
    assert weights(resumed) == weights(whole)


def test_training_stops_at_once(tmp_path):
    """As in Keras, the epoch is evaluated and ended."""
    _, history = fit(tmp_path, [Stop(1, 2, by=None)], epochs=5)
    assert len(history.step_losses) == 5 + 3
    assert len(history.history["val_loss"]) == 2
    _, history = fit(tmp_path, [], epochs=5, resume=True)
    assert len(history.step_losses) == 5 + 3
