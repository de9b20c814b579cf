import keras
import pytest

from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.backend import check_backend


def test_another_backend_of_keras_is_refused(monkeypatch):
    check_backend()
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(InputError, match=r"Keras runs on 'jax', .* set .* KERAS_BACKEND"):
        check_backend()
