import keras
import numpy as np
import pytest
from helpers import defaults

from tf_seq2seq import InputError
from tf_seq2seq.training import WarmupHoldCosine


def rates(schedule, steps):
    return np.array([float(schedule(step)) for step in steps])


@pytest.mark.parametrize(("steps", "warmup"), [(7, 0), (97, 9), (60, 60)])
def test_without_hold_it_is_the_cosine_of_keras_with_its_warmup(steps, warmup):
    peak = 3e-3
    expected = keras.optimizers.schedules.CosineDecay(
        0.0, max(steps - warmup, 1), warmup_target=peak, warmup_steps=warmup
    )
    where = range(steps + 2)
    np.testing.assert_array_equal(
        rates(WarmupHoldCosine(peak, steps, warmup), where), rates(expected, where)
    )


def test_rises_holds_and_decays():
    schedule = WarmupHoldCosine(2.0, steps=100, warmup=10, hold=0.4, start=0.1, end=0.1)
    values = rates(schedule, range(101))
    np.testing.assert_allclose(values[:11], np.linspace(0.2, 2, 11), rtol=1e-6)
    np.testing.assert_allclose(values[10:41], 2.0, rtol=1e-6)
    assert np.all(np.diff(values[40:]) < 0)
    np.testing.assert_allclose(values[[70, 100]], [1.1, 0.2], rtol=1e-5)
    np.testing.assert_allclose(schedule(1000), 0.2, rtol=1e-5)  # a run that continues


def test_the_decay_does_not_begin_before_the_warmup_ends():
    values = rates(WarmupHoldCosine(1.0, steps=10, warmup=8, hold=0.5), range(11))
    np.testing.assert_allclose(values, [*np.arange(8) / 8, 1, 0.5, 0], atol=1e-7)


def test_config_round_trip():
    schedule = WarmupHoldCosine(np.float32(0.5), np.int64(20), warmup=3, hold=0.2, start=0.1)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert isinstance(again, WarmupHoldCosine)
    assert again.get_config() == schedule.get_config()
    np.testing.assert_array_equal(rates(again, (1, 15)), rates(schedule, (1, 15)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"peak": 0.0}, "`peak` must be a number greater than 0, got 0.0"),
        ({"warmup": 11}, "`warmup` must be an integer from 0 to 10, got 11"),
        ({"warmup": -1}, "`warmup`"),
        ({"warmup": 0.5}, "`warmup`"),
        ({"hold": 1.5}, "`hold` must be a number from 0 to 1, got 1.5"),
        ({"start": -0.1}, "`start`"),
        ({"end": -0.1}, "`end`"),
        ({"steps": 0}, "`steps`"),
    ],
    ids=str,
)
def test_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        WarmupHoldCosine(**{"peak": 1.0, "steps": 10, **options})


def test_the_defaults():
    assert defaults(WarmupHoldCosine) == {"warmup": 0, "hold": 0.0, "start": 0.0, "end": 0.0}
