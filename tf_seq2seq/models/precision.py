"""Copies of a model that compute in another precision."""

from __future__ import annotations

from typing import Any

import keras

from tf_seq2seq.checks import check_choice
from tf_seq2seq.errors import InputError

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""The dtype policies of Keras, by the precision of the matrix products."""


def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """Return a copy of a model that computes its matrix products in another precision.

    The weights stay float32, and so do the states and everything that adds up many numbers.

    Args:
        model: a `Seq2Seq` or an `Ensemble`.
        precision: `"float32"` or `"bfloat16"`.

    Raises:
        InputError: if the precision is unknown, or if the model is not a Keras model.

    Example:

    >>> model = s2s.Seq2Seq(s2s.Encoder(80, 8), s2s.Decoder(60, 8))
    >>> in_precision(model, "bfloat16").decoder.compute_dtype
    'bfloat16'
    """
    policy = POLICIES[check_choice("precision", precision, tuple(POLICIES))]
    if not isinstance(model, keras.Model):
        raise InputError(
            f"Only a Keras model can be copied in another precision, got {model!r}: build it with "
            f"the dtype policy {policy!r} instead."
        )
    config = keras.saving.serialize_keras_object(model)
    copy = keras.saving.deserialize_keras_object(_with_policy(config, policy))
    copy.set_weights(model.get_weights())
    return copy


def _with_policy(config: Any, policy: str) -> Any:
    """Return a configuration in which every layer has the dtype policy."""
    if isinstance(config, list | tuple):
        return [_with_policy(each, policy) for each in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return {**config, "config": {**config["config"], "name": policy}}
    return {name: _with_policy(value, policy) for name, value in config.items()}
