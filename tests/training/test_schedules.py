import keras
import numpy as np
import pytest

from tf_seq2seq.training import WarmupHoldCosine


def test_rises_holds_and_falls():
    rate = WarmupHoldCosine(2.0, steps=100, warmup=10, hold=0.4, end=0.1)
    values = np.array([rate(step) for step in range(101)])
    np.testing.assert_allclose(values[:10], 0.2 * np.arange(1, 11), rtol=1e-6)
    np.testing.assert_allclose(values[9:41], 2.0, rtol=1e-6)
    assert np.all(np.diff(values[40:]) < 0)
    np.testing.assert_allclose(values[[70, 100]], [1.1, 0.2], rtol=1e-5)
    np.testing.assert_allclose(rate(1000), 0.2, rtol=1e-5)  # a training that goes on


def test_without_warmup_and_hold_it_is_a_cosine():
    rate = WarmupHoldCosine(1.0, steps=10, end=0.0)
    np.testing.assert_allclose(
        [rate(step) for step in range(11)], (1 + np.cos(np.pi * np.arange(11) / 10)) / 2, atol=1e-6
    )


def test_comes_back_from_its_config():
    rate = WarmupHoldCosine(0.5, steps=20, warmup=3, hold=0.2)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    assert isinstance(again, WarmupHoldCosine)
    assert float(again(15)) == float(rate(15))


@pytest.mark.parametrize(
    "options", [{"warmup": 11}, {"warmup": -1}, {"hold": 1.5}, {"end": -0.1}, {"steps": 0}], ids=str
)
def test_out_of_range(options):
    with pytest.raises(ValueError, match="Expected"):
        WarmupHoldCosine(1.0, **{"steps": 10, **options})
