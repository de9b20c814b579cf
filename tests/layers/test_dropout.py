import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq.layers.dropout import Dropout


def dropped(rate=0.3, shape=(40, 50, 30), dtype="float32", seed=1, **options):
    layer = Dropout(rate, seed=seed, dtype=dtype, **options)
    return layer(tf.ones(shape, dtype), training=True), layer


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_share_and_scale(rate, dtype):
    y = tf.cast(dropped(rate, dtype=dtype)[0], "float32").numpy()
    kept = y != 0
    np.testing.assert_allclose(y[kept], 1 / (1 - rate), rtol=1e-2 if dtype == "bfloat16" else 1e-4)
    deviation = np.sqrt(rate * (1 - rate) / y.size)
    assert abs(kept.mean() - (1 - rate)) < 5 * deviation
    # Neighbors, which share a random number, and the ends of all axes are independent.
    for a, b in [(kept[..., :-1], kept[..., 1:]), (kept[:-1], kept[1:])]:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.03


def test_the_gradient_has_the_same_mask():
    x = tf.ones([3, 5, 7])  # an odd number of elements
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = Dropout(0.5, seed=1)(x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x), y)


def test_every_call_draws_another_mask_that_the_seed_repeats():
    first, layer = dropped()
    np.testing.assert_array_equal(first, dropped()[0])
    assert np.any(first != layer(tf.ones([40, 50, 30]), training=True))
    assert np.any(first != dropped(seed=2)[0])


@pytest.mark.parametrize("noise_shape", [(None, 1, None), (40, 1, 30), (None, None, 1)])
def test_one_mask_for_an_axis(noise_shape):
    y = dropped(noise_shape=noise_shape)[0].numpy()
    axis = noise_shape.index(1)
    np.testing.assert_array_equal(y, np.repeat(y.take([0], axis), y.shape[axis], axis))
    assert 0.6 < (y != 0).mean() < 0.8


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_nothing_is_dropped_outside_training(rate):
    x = np.ones([2, 3], "float32")
    np.testing.assert_array_equal(Dropout(rate)(x), x)
    np.testing.assert_array_equal(Dropout(rate)(x, training=bool(rate == 0)), x)


@pytest.mark.parametrize("rate", [1e-7, 1 - 1e-7])
def test_rates_near_the_ends(rate):
    y = dropped(rate)[0].numpy()
    assert np.isfinite(y).all()
    assert (y == 0).mean() == pytest.approx(rate, abs=1e-3)


def test_shape_is_known_in_a_graph():
    layer = Dropout(0.5, seed=1)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 7])])
    def shape(x):
        y = layer(x, training=True)
        assert y.shape.as_list() == [None, None, 7]
        return tf.shape(y)

    assert shape(tf.ones([2, 3, 7])).numpy().tolist() == [2, 3, 7]


def test_config_round_trip():
    layer = keras.layers.deserialize(keras.layers.serialize(Dropout(0.3, noise_shape=(None, 1))))
    assert type(layer) is Dropout
    assert (layer.rate, layer.noise_shape) == (0.3, (None, 1))
