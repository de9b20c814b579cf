import math

import numpy as np
import pytest

from tf_seq2seq import InputError
from tf_seq2seq.training.identity import check_settings, compare_settings, fingerprint

DATA = "training data"
SAVED = {"units": 64, "epochs": 3, "learning_rate": 0.1, "bounds": [1, 2], DATA: fingerprint(["a"])}


def test_the_same_settings():
    settings = check_settings(SAVED | {"bounds": (1, 2), "units": np.int64(64)})
    assert compare_settings(SAVED, settings) == []
    assert compare_settings(None, SAVED) == compare_settings(SAVED, None) == []


def test_what_may_change():
    changed = compare_settings(SAVED, SAVED | {"learning_rate": 0.2, "epochs": 4})
    assert changed == ["epochs", "learning_rate"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"units": 65}, "it was written with units=64, but `units` is 65 now"),
        ({"dropout": 0.1}, "it was written with dropout=None, but `dropout` is 0.1 now"),
        ({DATA: fingerprint(["b"])}, "was written with other training data"),
        ({DATA: None}, "was written with other training data"),
    ],
)
def test_another_setting_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        compare_settings(SAVED, SAVED | settings)


@pytest.mark.parametrize("settings", [{"rate": math.nan}, {"data": {1, 2}}, {(1, 2): 3}, "units"])
def test_settings_that_are_not_json(settings):
    with pytest.raises(InputError, match="`settings` must be JSON values by name: "):
        check_settings(settings)


def test_a_text_is_not_one_string():
    with pytest.raises(TypeError, match=r"`texts` must be a list of strings, got .* 'a\.txt'"):
        fingerprint("a.txt")


def test_fingerprints_differ_in_any_line_and_order():
    texts = [(["a", "b"],), (["b", "a"],), (["a\nb"],), (["a", "b", ""],), (["a"], ["b"]), ([], [])]
    assert len({fingerprint(*each) for each in texts}) == len(texts)
