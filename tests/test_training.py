import keras
import numpy as np
import pytest
from helpers import random_batch, small_model

from tf_seq2seq import InputError, training
import tensorflow as tf


def dataset():
    inputs, labels = random_batch()
    return tf.data.Dataset.from_tensors((inputs, labels))


def compiled():
    keras.utils.set_random_seed(7)
    model = small_model("context_and_previous")
    model.compile(keras.optimizers.Adam(0.01))
    return model


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def test_an_interrupted_training_goes_on_where_it_was(tmp_path, monkeypatch):
    def fit(directory, epochs=4, **options):
        model = compiled()
        history = training.fit(
            model, dataset(), dataset(), epochs=epochs, directory=directory, **options
        )
        return model, history

    whole, whole_history = fit(tmp_path / "whole")

    logger = keras.callbacks.CSVLogger

    class InterruptingLogger(logger):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(keras.callbacks, "CSVLogger", InterruptingLogger)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "parts")
    monkeypatch.setattr(keras.callbacks, "CSVLogger", logger)
    resumed, history = fit(tmp_path / "parts", resume=True)

    assert len(history["val_loss"]) == 4
    for name, values in whole_history.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5, err_msg=name)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_without_resume_a_run_starts_anew(tmp_path):
    for _ in range(2):
        history = training.fit(
            compiled(), dataset(), dataset(), epochs=2, directory=tmp_path
        )
        assert len(history["loss"]) == 2


def test_a_damaged_backup_is_named(tmp_path):
    training.fit(compiled(), dataset(), dataset(), epochs=1, directory=tmp_path)
    for path in (tmp_path / "backup").rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")
    with pytest.raises(InputError, match="without --resume"):
        training.fit(
            compiled(), dataset(), dataset(), epochs=2, directory=tmp_path, resume=True
        )
