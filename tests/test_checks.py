import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq.checks import (
    check_choice,
    check_flag,
    check_integer,
    check_name,
    check_number,
    check_rate,
)
from tf_seq2seq.errors import InputError

NOT_NUMBERS = [True, np.True_, "3", None, [3], np.array([3]), tf.constant(3), 3 + 0j]


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_integers_become_python_integers(value):
    checked = check_integer("units", value, minimum=3, maximum=3)
    assert checked == 3
    assert type(checked) is int


@pytest.mark.parametrize("value", [*NOT_NUMBERS, 3.0, np.float32(3), 2, 6])
def test_values_that_are_not_integers_in_bounds_are_refused(value):
    with pytest.raises(InputError) as error:
        check_integer("units", value, minimum=3, maximum=5)
    assert str(error.value) == f"`units` must be an integer from 3 to 5, got {value!r}."


def test_without_bounds_any_integer_is_accepted():
    assert check_integer("seed", -(10**30)) == -(10**30)
    with pytest.raises(InputError, match=r"`seed` must be an integer, got 1\.5"):
        check_integer("seed", 1.5)


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int32(1)])
def test_numbers_become_python_floats(value):
    checked = check_number("penalty", value, minimum=1, maximum=1, above=0.9, below=1.1)
    assert checked == 1.0
    assert type(checked) is float


@pytest.mark.parametrize(
    "value", [*NOT_NUMBERS, float("nan"), float("inf"), -float("inf"), -0.1, 1.1]
)
def test_values_that_are_not_finite_numbers_in_bounds_are_refused(value):
    with pytest.raises(InputError, match=r"`p` must be a number from 0 to 1"):
        check_number("p", value, minimum=0, maximum=1)


def test_exclusive_bounds_are_exclusive():
    for bounds in ({"above": 1}, {"below": 1}):
        with pytest.raises(InputError, match=r"greater than 1|less than 1"):
            check_number("p", 1, **bounds)


def test_a_rate_is_at_least_0_and_less_than_1():
    assert check_rate("dropout", 0) == 0.0
    assert check_rate("dropout", 0.999) == 0.999
    for value in (1, -1e-9, None):
        with pytest.raises(InputError, match="of at least 0 and less than 1, got"):
            check_rate("dropout", value)


def test_a_flag_is_a_boolean():
    assert check_flag("bidirectional", np.False_) is False
    assert check_flag("bidirectional", True) is True
    for value in (0, 1, "no", None):
        with pytest.raises(InputError, match="`bidirectional` must be True or False, got"):
            check_flag("bidirectional", value)


def test_a_choice_is_one_of_the_choices():
    assert check_choice("cell", np.str_("gru"), ("gru", "lstm")) == "gru"
    for value in ("GRU", None, 1, ["gru"]):
        with pytest.raises(InputError) as error:
            check_choice("cell", value, ("simple_rnn", "gru", "lstm"))
        assert str(error.value) == f"`cell` must be 'simple_rnn', 'gru' or 'lstm', got {value!r}."


def test_a_name_is_a_string_that_is_not_blank():
    assert check_name("model", "en_zh") == "en_zh"
    for value in ("", " ", None, 5, b"en_zh"):
        with pytest.raises(InputError, match="`model` must be a nonempty string, got"):
            check_name("model", value)
