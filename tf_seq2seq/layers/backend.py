"""The backend of Keras."""

import keras

from tf_seq2seq.errors import InputError


def check_backend() -> None:
    """Check that Keras runs on TensorFlow. Without this, layers fail with obscure errors.

    Raises:
        InputError: if it does not.
    """
    if keras.config.backend() != "tensorflow":
        raise InputError(
            f"Keras runs on {keras.config.backend()!r}, but this package needs TensorFlow: set the "
            "environment variable KERAS_BACKEND to tensorflow before Keras is imported."
        )
