import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, small_model

from tf_seq2seq import InputError, training


def run(directory, epochs=4, resume=False, system="context_and_previous"):
    keras.utils.set_random_seed(7)
    model = small_model(system, dropout=0.2)
    model.compile(keras.optimizers.Adam(0.01))
    batches = tf.data.Dataset.from_tensors(random_batch())
    history = training.fit(
        model, batches, batches, epochs=epochs, directory=directory, resume=resume
    )
    return model, history


def test_an_interrupted_training_goes_on_where_it_was(tmp_path, monkeypatch):
    whole, whole_history = run(tmp_path / "whole")

    def interrupt(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training.Checkpoint, "on_epoch_begin", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "parts")
    resumed, history = run(tmp_path / "parts", resume=True)

    assert {len(values) for values in history.values()} == {4}
    for name, values in whole_history.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5, err_msg=name)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_without_resume_a_run_starts_anew(tmp_path):
    for _ in range(2):
        _, history = run(tmp_path, epochs=1)
        assert len(history["loss"]) == 1


def test_resume_without_a_checkpoint_starts(tmp_path):
    assert len(run(tmp_path, epochs=1, resume=True)[1]["loss"]) == 1


def test_a_write_that_fails_leaves_the_epoch_before(tmp_path, monkeypatch):
    run(tmp_path, epochs=1)

    def full_disk(path, *arrays):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full_disk)
        with pytest.raises(OSError, match=r"No space left.*epoch-2\.npz"):
            run(tmp_path, epochs=2, resume=True)
    assert len(run(tmp_path, epochs=2, resume=True)[1]["loss"]) == 2


def test_an_older_run_is_not_resumed_in_place_of_a_new_one(tmp_path, monkeypatch):
    run(tmp_path, epochs=1)

    def interrupt(self, epoch, logs=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training.Checkpoint, "on_epoch_begin", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, epochs=3)
    assert len(run(tmp_path, epochs=2, resume=True)[1]["loss"]) == 2


def test_a_loss_that_is_no_number_ends_the_training_with_the_epoch_before(tmp_path):
    checkpoint = training.Checkpoint(tmp_path)
    with pytest.raises(InputError, match="loss is nan in epoch 3; choose a lower"):
        checkpoint.on_epoch_end(2, {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["damaged weights", "damaged index", "another model"])
def test_a_checkpoint_that_cannot_be_used_is_named(tmp_path, fault):
    run(tmp_path, epochs=1)
    if fault == "damaged weights":
        (tmp_path / "epoch-1.npz").write_bytes(b"damaged")
    if fault == "damaged index":
        (tmp_path / "checkpoint.json").write_text("[]")
    system = "initial_state" if fault == "another model" else "context_and_previous"
    with pytest.raises(InputError, match=f"{tmp_path}.*without --resume"):
        run(tmp_path, epochs=2, resume=True, system=system)
