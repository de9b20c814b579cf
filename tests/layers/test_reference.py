"""The layers against the plain loops, in numbers and gradients."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import GRID, SYSTEMS, random_batch, small_model, spread
from layer_contract import assert_close

from tf_seq2seq import DotAttention, InputError, SequenceCrossEntropy
from tf_seq2seq.layers import reference
from tf_seq2seq.layers.cells import CELLS
from tf_seq2seq.layers.operation import Operation, answering


def plain(model, inputs):
    encoded = reference.encode(model.encoder, inputs["source"])
    return reference.decode(model.decoder, inputs["target"], model.bridge(encoded.state), encoded)


def fast(model, inputs):
    encoded = model.encoder(inputs["source"])
    return model.decoder(inputs["target"], model.bridge(encoded.state), encoded)


def bias_everything(model):
    """New biases are zero, which would hide one that is forgotten."""
    rng = np.random.default_rng(7)
    for weight in model.trainable_weights:
        if "bias" in weight.path:
            weight.assign(rng.normal(size=weight.shape, scale=0.5))


@pytest.mark.parametrize(("system", "cell", "layers"), GRID)
def test_numbers(system, cell, layers):
    model = small_model(system, cell, *layers)
    bias_everything(model)
    inputs, _ = random_batch()
    assert_close(fast(model, inputs), plain(model, inputs), atol=1e-5)
    source = inputs["source"]
    assert_close(model.encoder(source), reference.encode(model.encoder, source), atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_an_encoder_that_goes_backwards(cell):
    model = small_model("initial_state", cell, 2, go_backwards=True)
    source = random_batch()[0]["source"]
    assert_close(model.encoder(source), reference.encode(model.encoder, source), atol=1e-6)


@pytest.mark.parametrize("options", [{"feeding": "initial_state"}, {"feeding": "context"}])
@pytest.mark.parametrize("system", ["additive_current", "dot_previous"])
def test_attention_with_the_other_feedings(system, options):
    model = small_model(system, "lstm", 2, bidirectional=True, **options)
    inputs, _ = random_batch()
    assert_close(fast(model, inputs), plain(model, inputs), atol=1e-5)


@pytest.mark.parametrize("system", ["context_and_previous", "additive_current", "dot_previous"])
def test_tied_embeddings(system):
    model = small_model(system, tie_embeddings=True, readout_units=5, readout_activation=None)
    bias_everything(model)
    inputs, _ = random_batch()
    assert_close(fast(model, inputs), plain(model, inputs), atol=1e-5)


def assert_gradients_in_training(system, cell, **options):
    """The gradients that are written out equal those of TensorFlow for the plain loops."""
    model = small_model(system, cell, bidirectional=True, **options)
    bias_everything(model)
    inputs, labels = random_batch()

    def loss_and_gradients(run):
        with tf.GradientTape() as tape:
            loss = SequenceCrossEntropy()(labels, run())
        gradients = tape.gradient(loss, model.trainable_variables)
        return [loss, *map(tf.convert_to_tensor, gradients)]

    in_graph = tf.function(lambda: loss_and_gradients(lambda: model(inputs, training=True)))
    with answering(Operation.compute):
        expected = loss_and_gradients(lambda: plain(model, inputs).logits)
    assert_close(in_graph(), expected, atol=1e-6)


@pytest.mark.parametrize(("system", "cell"), spread(7, SYSTEMS, CELLS))
def test_gradients_in_training(system, cell):
    assert_gradients_in_training(system, cell)


@pytest.mark.parametrize(
    ("system", "options"),
    [
        ("additive_current", {"num_layers": 2, "feeding": "initial_state"}),
        ("additive_previous", {"feeding": "context"}),
        ("additive_current", {"attention": DotAttention("general")}),
        ("additive_previous", {"attention": DotAttention("scaled")}),
    ],
)
def test_gradients_of_other_options(system, options):
    assert_gradients_in_training(system, "gru", **options)


def traced(run, model, rows, **lengths):
    inputs = {name: tf.TensorSpec([rows, length], tf.int32) for name, length in lengths.items()}
    graph = tf.function(lambda inputs: run(model, inputs).logits, autograph=False)
    return graph.get_concrete_function(inputs).structured_outputs


@pytest.mark.parametrize("run", [plain, fast])
@pytest.mark.parametrize("rows", [2, None])
@pytest.mark.parametrize("side", ["source", "target"])
def test_length_0_is_refused(run, rows, side):
    model = small_model("additive_current", "gru")
    lengths = {"source": 1, "target": 1}
    assert traced(run, model, rows, **lengths).shape.rank == 3
    with pytest.raises(InputError, match=f"^`{side}` has the length 0: pass at least one id"):
        traced(run, model, rows, **lengths | {side: 0})


@pytest.mark.parametrize("side", ["source", "target"])
def test_the_plain_loops_need_a_known_length(side):
    model = small_model("additive_current", "gru")
    lengths = {"source": 1, "target": 1} | {side: None}
    assert traced(fast, model, 2, **lengths).shape.rank == 3
    with pytest.raises(InputError, match=f"^`{side}` has an unknown length, but the plain loops"):
        traced(plain, model, 2, **lengths)
