"""What every public layer must do: subclass `LayerContract` in the layer's test file."""

import keras
import numpy as np
import pytest
import tensorflow as tf


def leaves(structure):
    """The tensors of a nested structure as float64 or integer arrays."""
    arrays = []
    for leaf in tf.nest.flatten(structure):
        leaf = tf.convert_to_tensor(leaf)
        arrays.append((tf.cast(leaf, tf.float64) if leaf.dtype.is_floating else leaf).numpy())
    return arrays


def assert_close(ours, expected, **tolerance):
    """Compare two structures of the same number of tensors."""
    for mine, other in zip(leaves(ours), leaves(expected), strict=True):
        np.testing.assert_allclose(mine, other, **tolerance)


class LayerContract:
    """Configuration, saving, graphs of unknown shapes and half precision.

    A subclass gives `make`, which returns a new layer, and `inputs`, its positional arguments as
    nested structures of arrays.
    """

    half_tolerance = 0.05

    def make(self):
        raise NotImplementedError

    def inputs(self):
        raise NotImplementedError

    def test_config_round_trip(self):
        config = self.make().get_config()
        assert type(self.make()).from_config(config).get_config() == config

    def test_saved_and_loaded_in_a_functional_model(self, tmp_path):
        symbols = tf.nest.map_structure(symbol, self.inputs())
        outputs = tf.nest.flatten(self.make()(*symbols))
        model = keras.Model(tf.nest.flatten(symbols), outputs)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        arrays = tf.nest.flatten(self.inputs())
        expected = model(arrays)
        for ours, other in zip(leaves(loaded(arrays)), leaves(expected), strict=True):
            np.testing.assert_array_equal(ours, other)

    def test_a_graph_of_unknown_shapes_equals_eager_execution(self):
        layer, inputs = self.make(), self.inputs()
        expected = layer(*inputs)
        signature = tf.nest.map_structure(unknown_shape, inputs)
        in_graph = tf.function(lambda *inputs: layer(*inputs), input_signature=signature)
        assert_close(in_graph(*inputs), expected, atol=1e-6)

    @pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
    def test_half_precision(self, policy):
        layer, inputs = self.make(), self.inputs()
        expected = layer(*inputs)
        assert all(
            leaf.dtype == tf.float32 for leaf in tf.nest.flatten(expected) if leaf.dtype.is_floating
        )
        keras.config.set_dtype_policy(policy)
        half = self.make()
        half(*inputs)
        half.set_weights(layer.get_weights())
        outputs = half(*inputs)
        first = tf.nest.flatten(outputs)[0]
        assert first.dtype == half.compute_dtype == policy.removeprefix("mixed_")
        assert all(weight.dtype == "float32" for weight in half.weights)
        assert_close(outputs, expected, atol=self.half_tolerance)


class MaskedLayerContract(LayerContract):
    """The same for a layer with a mask.

    `padded` returns inputs that must not change the visible part of the outputs: with more padding,
    and with other values behind the mask.
    """

    def padded(self):
        raise NotImplementedError

    def test_masked_steps_change_nothing(self):
        layer = self.make()
        expected, outputs = leaves(layer(*self.inputs())), leaves(layer(*self.padded()))
        for ours, other in zip(outputs, expected, strict=True):
            visible = ours[tuple(slice(size) for size in other.shape)]
            np.testing.assert_allclose(visible, other, atol=1e-6)


def symbol(array):
    """A Keras input for arrays like this one, of any batch size and length."""
    array = np.asarray(array)
    return keras.Input(_shape(array)[1:], dtype=str(array.dtype))


def unknown_shape(array):
    """A spec for arrays like this one, of any batch size and length."""
    array = np.asarray(array)
    return tf.TensorSpec(_shape(array), array.dtype)


def _shape(array):
    is_ids = array.dtype.kind in "ib"
    return [None] * array.ndim if is_ids else [*[None] * (array.ndim - 1), array.shape[-1]]
