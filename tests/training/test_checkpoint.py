import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, small_model

from tf_seq2seq import InputError, training
from tf_seq2seq.training import Checkpoint


def model():
    return small_model("additive_current", dropout=0.1)


@pytest.mark.parametrize("strategy", ["default", "mirrored"])
def test_another_model_gets_the_weights_of_the_one_in_training(strategy, tmp_path):
    with training.strategy(strategy).scope():
        trained = model()
        trained.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    # Two rows, one for each replica.
    batches = tf.data.Dataset.from_tensors(random_batch([(4, 3), (4, 3)])).repeat(3)
    training.fit(trained, batches, epochs=2, directory=tmp_path)

    another = model()
    progress = Checkpoint(tmp_path).restore_weights(another)
    assert (progress["epoch"], progress["step"], len(progress["step_losses"])) == (2, 0, 6)
    for expected, weight in zip(trained.get_weights(), another.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_without_a_checkpoint(tmp_path):
    with pytest.raises(InputError, match=r"There is no checkpoint in .*: train first"):
        Checkpoint(tmp_path).restore_weights(model())


def test_of_another_model(tmp_path):
    Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, [np.zeros(3)])
    with pytest.raises(InputError, match="written by another model"):
        Checkpoint(tmp_path).restore_weights(model())


def test_the_mean_of_the_weights_of_the_last_epochs(tmp_path):
    trained = model()
    trained.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    batches = tf.data.Dataset.from_tensors(random_batch([(4, 3), (4, 3)])).repeat(2)
    after = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: after.append(trained.get_weights())
    )
    options = {"directory": tmp_path, "keep_weights": 3, "callbacks": [watch]}
    training.fit(trained, batches, epochs=3, **options)
    training.fit(trained, batches, epochs=5, resume=True, **options)

    another = model()
    assert Checkpoint(tmp_path).average_weights(another) == 3
    for *weights, mean in zip(*after[2:], another.get_weights(), strict=True):
        np.testing.assert_allclose(mean, np.mean(weights, axis=0), rtol=1e-6, atol=1e-8)
    # A new training does not average what an earlier one has left.
    training.fit(trained, batches, epochs=1, directory=tmp_path)
    with pytest.raises(InputError, match="no weights to average"):
        Checkpoint(tmp_path).average_weights(another)


def test_other_files_of_the_folder_stay(tmp_path):
    np.savez(tmp_path / "mine.npz", 1)
    checkpoint = Checkpoint(tmp_path)
    for step in (1, 2):
        checkpoint.save({"epoch": 0, "step": step}, [np.zeros(3)])
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"mine.npz", "checkpoint.json", "epoch-0-step-2.npz"}


def test_weights_that_cannot_be_averaged(tmp_path):
    Checkpoint(tmp_path).keep_weights(small_model("context_alone"), 1, 2)
    with pytest.raises(InputError, match=r"epoch-00001.npz cannot be averaged .*another model"):
        Checkpoint(tmp_path).average_weights(model())
    for damaged in (b"PK", b""):
        (tmp_path / "weights-of-epoch-00001.npz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"cannot be averaged"):
            Checkpoint(tmp_path).average_weights(model())
