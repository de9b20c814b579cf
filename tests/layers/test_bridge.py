import keras
import numpy as np
import pytest
from helpers import assert_smallest, defaults
from layer_contract import LayerContract

from tf_seq2seq import Bridge, Encoder


def state(layers, parts, width, batch=3):
    rng = np.random.default_rng(layers)
    return tuple(
        tuple(rng.normal(size=(batch, width)).astype("float32") for _ in range(parts))
        for _ in range(layers)
    )


@pytest.mark.parametrize("decoder_layers", [1, 2, 3])
@pytest.mark.parametrize("decoder_cell", ["simple_rnn", "gru", "lstm"])
@pytest.mark.parametrize("encoder_parts", [1, 2])
@pytest.mark.parametrize("encoder_layers", [1, 2, 3])
@pytest.mark.parametrize("kind", ["dense", "copy", "zeros"])
def test_fits_any_decoder_to_any_encoder(
    kind, encoder_layers, encoder_parts, decoder_cell, decoder_layers
):
    bridge = Bridge(kind, cell=decoder_cell, units=4, num_layers=decoder_layers)
    width = 4 if kind == "copy" else 6
    out = bridge(state(encoder_layers, encoder_parts, width))
    assert [len(layer) for layer in out] == [2 if decoder_cell == "lstm" else 1] * decoder_layers
    assert all(part.shape == (3, 4) for layer in out for part in layer)


def test_dense_is_tanh_of_a_projection():
    encoder_state = state(1, 2, 6)
    bridge = Bridge("dense", cell="lstm", units=4)
    (parts,) = bridge(encoder_state)
    for part, value, dense in zip(parts, encoder_state[0], bridge.projections[0], strict=True):
        np.testing.assert_allclose(part, np.tanh(value @ dense.kernel + dense.bias), atol=1e-6)


def test_copy_takes_the_layer_at_the_same_height_from_the_top():
    encoder_state = state(3, 1, 4)
    two = Bridge("copy", cell="gru", units=4, num_layers=2)(encoder_state)
    np.testing.assert_array_equal(two[0][0], encoder_state[1][0])
    np.testing.assert_array_equal(two[1][0], encoder_state[2][0])
    four = Bridge("copy", cell="gru", units=4, num_layers=4)(encoder_state)
    np.testing.assert_array_equal(four[0][0], encoder_state[0][0])
    np.testing.assert_array_equal(four[1][0], encoder_state[0][0])
    np.testing.assert_array_equal(four[3][0], encoder_state[2][0])


def test_copy_starts_missing_memory_cells_at_zero():
    ((h, c),) = Bridge("copy", cell="lstm", units=4)(state(1, 1, 4))
    assert np.any(h)
    assert not np.any(c)


def test_zeros():
    ((h,),) = Bridge("zeros", cell="gru", units=5)(state(1, 1, 4))
    np.testing.assert_array_equal(h, np.zeros((3, 5)))


def test_copy_between_unequal_widths_names_both():
    with pytest.raises(ValueError, match="4 decoder units and a state of 6; use kind 'dense'"):
        Bridge("copy", cell="gru", units=4)(state(1, 1, 6))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "linear"}, "`kind` must be 'dense', 'copy' or 'zeros', got 'linear'"),
        ({"cell": "rnn"}, "`cell`.*got 'rnn'"),
        ({"units": 0}, "`units`.*got 0"),
        ({"num_layers": 1.5}, "`num_layers`.*got 1.5"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        Bridge(**{"kind": "dense", "cell": "gru", "units": 4, **arguments})


class TestContract(LayerContract):
    def make(self):
        return Bridge("dense", cell="lstm", units=4, num_layers=2)

    def inputs(self):
        return (state(2, 1, 6),)


class TestZerosContract(TestContract):
    def make(self):
        return Bridge("zeros", cell="gru", units=4)


@pytest.mark.parametrize("symbolic", [False, True])
def test_only_a_state_is_taken(symbolic):
    """The whole output of the encoder, its outputs, or the state of one layer are refused."""
    source = keras.Input((None,), dtype="int32") if symbolic else np.array([[4, 5]])
    encoded, bridge = Encoder(9, 4)(source), Bridge("dense", cell="gru", units=4)
    for wrong in (encoded, encoded.outputs, encoded.state[0], ()):
        with pytest.raises(ValueError, match=r"^`encoder_state` must.*pass `encoded.state`"):
            bridge(wrong)
    assert bridge(encoded.state)[0][0].shape[-1] == 4


def test_defaults_and_smallest_sizes():
    assert defaults(Bridge) == {"num_layers": 1}
    assert_smallest(
        lambda **size: Bridge("dense", **{"cell": "gru", "units": 4, **size}), units=1, num_layers=1
    )


def test_building_creates_the_weights():
    bridge = Bridge("dense", cell="lstm", units=4, num_layers=2)
    bridge.build([[(None, 3)], [(None, 3)]])
    assert [tuple(weight.shape) for weight in bridge.weights] == [(3, 4), (4,)] * 4
