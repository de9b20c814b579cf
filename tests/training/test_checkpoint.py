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
    assert (progress["epoch"], progress["step"], len(progress["costs"])) == (2, 0, 6)
    for expected, weight in zip(trained.get_weights(), another.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_without_a_checkpoint(tmp_path):
    with pytest.raises(InputError, match=r"There is no checkpoint in .*: train first"):
        Checkpoint(tmp_path).restore_weights(model())


def test_of_another_model(tmp_path):
    Checkpoint(tmp_path).save("a", {}, [np.zeros(3)])
    with pytest.raises(InputError, match="written by another model"):
        Checkpoint(tmp_path).restore_weights(model())
