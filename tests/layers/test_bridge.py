import numpy as np
import pytest

from tf_seq2seq import Bridge


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


def test_unknown_kind():
    with pytest.raises(ValueError, match="got 'linear'"):
        Bridge("linear", cell="gru", units=4)


def test_config_round_trip():
    bridge = Bridge("dense", cell="lstm", units=4, num_layers=2)
    assert Bridge.from_config(bridge.get_config()).get_config() == bridge.get_config()
