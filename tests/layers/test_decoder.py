import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import GRID, SYSTEMS, random_batch, run_in_fresh_process, small_model

from tf_seq2seq import (
    BahdanauAttention,
    Bridge,
    Decoder,
    DotAttention,
    Encoder,
    SequenceCrossEntropy,
)
from tf_seq2seq.layers.cells import CELLS


@pytest.mark.parametrize(("system", "cell", "num_layers", "bidirectional"), GRID)
def test_whole_sequences_equal_single_steps(system, cell, num_layers, bidirectional):
    model = small_model(system, cell, num_layers, bidirectional)
    inputs, _ = random_batch()
    whole = np.array(model(inputs))

    state, memory = model.encode(inputs["source"])
    for j in range(inputs["target"].shape[1]):
        logits, weights, state = model.decoder.step(inputs["target"][:, j], state, memory)
        np.testing.assert_allclose(logits, whole[:, j], atol=1e-5)
        assert (weights is None) == (model.decoder.attention is None)


@pytest.mark.parametrize("feeding", ["initial_state", "context"])
@pytest.mark.parametrize("query", ["current_state", "previous_state"])
def test_attention_beside_the_other_feedings(query, feeding):
    model = small_model(f"additive_{query.split('_')[0]}", "lstm", 2, True, feeding=feeding)
    inputs, _ = random_batch()
    whole = np.array(model(inputs))
    state, memory = model.encode(inputs["source"])
    for j in range(inputs["target"].shape[1]):
        logits, _, state = model.decoder.step(inputs["target"][:, j], state, memory)
        np.testing.assert_allclose(logits, whole[:, j], atol=1e-5)


def plain_logits(model, inputs):
    """The same model as a loop over Keras' own cells and layers: nothing is taken out of it."""
    decoder, encoded = model.decoder, model.encoder(inputs["source"])
    states = [list(parts) for parts in model.bridge(encoded.state)]
    attended, logits = np.zeros((3, 8), "float32"), []
    for j in range(inputs["target"].shape[1]):
        x, context = [], encoded.context
        if decoder.attention and decoder.query == "previous_state":
            context, _ = decoder.attention(states[-1][0], encoded.outputs, encoded.mask)
        elif decoder.attention:
            context = attended
        if decoder.feeding != "context":
            x.append(decoder.embedding(inputs["target"][:, j]))
        if decoder.feeding != "initial_state":
            x.append(context)
        x = tf.concat(x, axis=-1)
        for i, layer in enumerate(decoder.recurrent_layers):
            x, states[i] = layer.cell(x, states[i])
        if decoder.attention:
            if decoder.query == "current_state":
                context, _ = decoder.attention(x, encoded.outputs, encoded.mask)
            x = attended = decoder.readout(tf.concat([x, context], axis=-1))
        logits.append(decoder.projection(x))
    return tf.stack(logits, axis=1)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_gradients_equal_those_of_a_plain_loop(system, cell):
    model = small_model(system, cell, num_layers=2, bidirectional=True)
    inputs, labels = random_batch()
    results = []
    for run in (model, lambda inputs: plain_logits(model, inputs)):
        with tf.GradientTape() as tape:
            loss = SequenceCrossEntropy()(labels, run(inputs))
        gradients = tape.gradient(loss, model.trainable_variables)
        results.append([loss, *map(tf.convert_to_tensor, gradients)])
    for ours, plain in zip(*results, strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-6)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_step(layer, x, h):
    """Cho et al. 2014, with the biases of Keras' `reset_after=True`."""
    kernel, recurrent_kernel, (bias, recurrent_bias) = (np.array(w) for w in layer.weights)
    xz, xr, xh = np.split(x @ kernel + bias, 3, axis=-1)
    hz, hr, hh = np.split(h @ recurrent_kernel + recurrent_bias, 3, axis=-1)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    return z * h + (1 - z) * np.tanh(xh + r * hh)


def additive_attention(attention, query, encoded):
    v, w, b, u = (
        np.array(x)
        for x in (
            attention.memory_kernel,
            attention.query_layer.kernel,
            attention.query_layer.bias,
            attention.scorer,
        )
    )
    memory, mask = np.array(encoded.outputs), np.array(encoded.mask)
    scores = (np.tanh(memory @ v + (query @ w + b)[:, None]) @ u)[..., 0]
    weights = np.exp(scores) * mask
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("bs,bsd->bd", weights, memory), weights


@pytest.mark.parametrize("query", ["current_state", "previous_state"])
def test_attention_and_gru_steps_equal_numpy(query):
    """Two steps by hand, so that what the first hands to the second is checked too."""
    model = small_model(f"additive_{query.split('_')[0]}", bidirectional=True)
    inputs, _ = random_batch()
    encoded = model.encoder(inputs["source"])
    decoder = model.decoder
    h = np.array(model.bridge(encoded.state)[0][0])
    readout = [np.array(w) for w in decoder.readout.weights]
    projection = [np.array(w) for w in decoder.projection.weights]
    attended = np.zeros((3, 8))
    output = model.decoder(inputs["target"], model.bridge(encoded.state), encoded)
    for j in range(2):
        y = np.array(decoder.embedding.embeddings)[inputs["target"][:, j]]
        if query == "previous_state":
            context, weights = additive_attention(decoder.attention, h, encoded)
            h = gru_step(decoder.recurrent_layers[0], np.concatenate([y, context], -1), h)
        else:
            h = gru_step(decoder.recurrent_layers[0], np.concatenate([y, attended], -1), h)
            context, weights = additive_attention(decoder.attention, h, encoded)
        attended = np.tanh(np.concatenate([h, context], -1) @ readout[0] + readout[1])
        np.testing.assert_allclose(output.alignment[:, j], weights, atol=1e-6)
        np.testing.assert_allclose(
            output.logits[:, j], attended @ projection[0] + projection[1], atol=1e-5
        )


def test_context_alone_ignores_the_previous_words():
    model = small_model("context_alone")
    inputs, _ = random_batch()
    other = {**inputs, "target": (inputs["target"] + 1) % 15}
    np.testing.assert_array_equal(model(inputs), model(other))
    assert model.decoder.embedding is None


@pytest.mark.parametrize("system", [name for name in SYSTEMS if name != "context_alone"])
def test_every_other_system_reads_the_previous_words(system):
    model = small_model(system)
    inputs, _ = random_batch()
    other = {**inputs, "target": (inputs["target"] + 1) % 15}
    assert np.any(model(inputs) != model(other))


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_step_sees_the_words_after_it(system):
    model = small_model(system)
    inputs, _ = random_batch()
    later = inputs["target"].copy()
    later[:, 3:] = 7
    np.testing.assert_allclose(
        model(inputs)[:, :3], model({**inputs, "target": later})[:, :3], atol=1e-6
    )


def test_tied_embeddings_are_the_weights_of_the_logits():
    model = small_model("additive_current", tie_embeddings=True)
    inputs, _ = random_batch()
    model(inputs)
    shapes = [tuple(w.shape) for w in model.decoder.weights]
    assert shapes.count((15, 5)) == 1
    assert (5, 15) not in shapes
    assert model.decoder.readout_units == 5


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("system", ["context_and_previous", "additive_current", "dot_previous"])
def test_half_precision(system, policy, cell):
    inputs, _ = random_batch()
    full = small_model(system, cell, bidirectional=True)
    expected = np.array(full(inputs))
    keras.config.set_dtype_policy(policy)
    half = small_model(system, cell, bidirectional=True)
    half.set_weights(full.get_weights())
    assert half.decoder.compute_dtype == policy.removeprefix("mixed_")
    np.testing.assert_allclose(np.array(half(inputs), "float32"), expected, atol=0.05)
    state, memory = half.encode(inputs["source"])
    logits, _, _ = half.decoder.step(inputs["target"][:, 0], state, memory)
    np.testing.assert_allclose(np.array(logits, "float32"), expected[:, 0], atol=0.05)


@pytest.mark.parametrize("system", ["initial_state", "additive_current", "additive_previous"])
def test_dropout_on_the_embeddings_alone(system):
    inputs, _ = random_batch()
    model = small_model(system, embedding_dropout=1.0 - 1e-6)
    dropped = model(inputs, training=True)
    # All but certainly no word is seen, and nothing else is dropped.
    model.decoder.embedding.set_weights([np.zeros((15, 5))])
    np.testing.assert_allclose(dropped, model(inputs), atol=1e-6)


@pytest.mark.parametrize("system", ["initial_state", "additive_current", "additive_previous"])
def test_dropout_of_whole_words(system):
    inputs, _ = random_batch()
    model = small_model(system, word_dropout=1.0 - 1e-6)
    dropped = model(inputs, training=True)
    model.decoder.embedding.set_weights([np.zeros((15, 5))])
    np.testing.assert_allclose(dropped, model(inputs), atol=1e-6)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_graph_of_unknown_shapes_takes_any_batch(system):
    """An empty one too: oneDNN has products of nothing that end the process."""
    model = small_model(system, num_layers=2, bidirectional=True, dropout=0.1)
    ids = tf.TensorSpec([None, None], tf.int32)

    @tf.function(input_signature=[ids, ids])
    def train(source, target):
        with tf.GradientTape() as tape:
            logits = model({"source": source, "target": target}, training=True)
            loss = SequenceCrossEntropy()(target, logits)
        gradients = tape.gradient(loss, model.trainable_variables)
        return logits, [tf.convert_to_tensor(gradient) for gradient in gradients]

    for rows, source_length, target_length in ((0, 4, 3), (1, 1, 1), (2, 3, 4)):
        source, target = np.full((rows, source_length), 5), np.full((rows, target_length), 5)
        logits, gradients = train(source, target)
        assert logits.shape == (rows, target_length, 15)
        assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("system", ["context_and_previous", "additive_current", "dot_previous"])
def test_dropout_acts_in_training_only(system, num_layers):
    model = small_model(system, num_layers=num_layers, dropout=0.5)
    inputs, _ = random_batch()
    encoded = model.encoder(inputs["source"])
    given = (inputs["target"], model.bridge(encoded.state), encoded)
    still = model.decoder(*given).logits
    np.testing.assert_array_equal(still, model.decoder(*given, training=False).logits)
    # The first step has no state yet that an earlier one could have changed.
    drawn = [model.decoder(*given, training=True).logits[:, 0] for _ in range(2)]
    assert np.any(drawn[0] != still[:, 0])
    assert np.any(drawn[0] != drawn[1])


def test_dropout_keeps_the_mean():
    """Of a linear decoder; the recurrent state itself is not dropped."""
    model = small_model(
        "additive_current",
        "simple_rnn",
        dropout=0.3,
        embedding_dropout=0.0,
        readout_activation=None,
    )
    source, target = np.full((4000, 1), 5), np.full((4000, 1), 2)
    encoded = model.encoder(source)
    given = (target, model.bridge(encoded.state), encoded)
    expected = model.decoder(*given).logits[0, 0]
    drawn = model.decoder(*given, training=True).logits[:, 0]
    np.testing.assert_allclose(np.mean(drawn, axis=0), expected, atol=0.02)


@pytest.mark.parametrize("attention", [BahdanauAttention(7), DotAttention("general"), None])
def test_config_round_trip(attention):
    options = {"query": "previous_state", "dropout": 0.1, "embedding_dropout": 0.2}
    decoder = Decoder(15, 8, cell="lstm", attention=attention, **options)
    config = decoder.get_config()
    assert Decoder.from_config(config).get_config() == config


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"feeding": "teacher"}, "`feeding`.*got 'teacher'"),
        ({"query": "next_state"}, "`query`.*got 'next_state'"),
        ({"cell": "LSTM"}, "`cell`.*got 'LSTM'"),
        ({"readout_units": 0}, "`readout_units`.*got 0"),
        ({"embedding_size": 0}, "`embedding_size`.*got 0"),
        ({"attention": "bahdanau"}, "`attention`.*got 'bahdanau'"),
        ({"attention": BahdanauAttention(4), "dtype": "mixed_bfloat16"}, "float32.*bfloat16"),
        ({"embedding_size": 5, "tie_embeddings": True}, "8 and embedding_size=5; pass readout"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        Decoder(15, 8, **arguments)


def functional_model(system):
    source = keras.Input((None,), dtype="int32")
    target = keras.Input((None,), dtype="int32")
    encoded = Encoder(20, 4, cell="lstm", bidirectional=True)(source)
    state = Bridge("dense", cell="gru", units=8)(encoded.state)
    output = Decoder(15, 8, **SYSTEMS[system]())(target, state, encoded)
    return keras.Model([source, target], output.logits)


def test_functional_models_of_the_layers_survive_a_fresh_process(tmp_path):
    """Engineers take the layers into their own Keras code, and save that."""
    inputs = list(random_batch()[0].values())
    models = {system: functional_model(system) for system in SYSTEMS}
    reloaded = run_in_fresh_process(models, inputs, tmp_path)
    for system, model in models.items():
        np.testing.assert_allclose(reloaded[system], model(inputs), atol=1e-6)
