import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import (
    SYSTEMS,
    assert_smallest,
    defaults,
    pad_columns,
    random_batch,
    slow_except,
    small_model,
    spread,
)
from layer_contract import MaskedLayerContract

from tf_seq2seq import (
    BahdanauAttention,
    Bridge,
    Decoder,
    DotAttention,
    Encoder,
    InputError,
    SequenceCrossEntropy,
    search,
)
from tf_seq2seq.layers import EncoderOutput, reference
from tf_seq2seq.layers.cells import CELLS


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
    """Two steps in NumPy, which checks what the first passes on to the second too."""
    model = small_model(f"additive_{query.split('_')[0]}", bidirectional=True)
    inputs, _ = random_batch()
    encoded = model.encoder(inputs["source"])
    decoder = model.decoder
    h = np.array(model.bridge(encoded.state)[0][0])
    readout = [np.array(w) for w in decoder.readout.hidden.weights]
    projection = [np.array(w) for w in decoder.readout.projection.weights]
    attended = np.zeros((3, 8))
    output = model.decoder(inputs["target"], model.bridge(encoded.state), encoded)
    for j in range(2):
        y = np.array(decoder.words.embedding.embeddings)[inputs["target"][:, j]]
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
    assert model.decoder.words is None


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


# `make test` has each system and each cell in both precisions.
@pytest.mark.parametrize(
    ("system", "policy", "cell"),
    spread(
        6,
        ["context_and_previous", "additive_current", "dot_previous"],
        ["mixed_bfloat16", "mixed_float16"],
        CELLS,
    ),
)
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
    model.decoder.words.embedding.set_weights([np.zeros((15, 5))])
    np.testing.assert_allclose(dropped, model(inputs), atol=1e-6)


@pytest.mark.parametrize("system", ["initial_state", "additive_current", "additive_previous"])
def test_dropout_of_whole_words(system):
    inputs, _ = random_batch()
    model = small_model(system, word_dropout=1.0 - 1e-6)
    dropped = model(inputs, training=True)
    model.decoder.words.embedding.set_weights([np.zeros((15, 5))])
    np.testing.assert_allclose(dropped, model(inputs), atol=1e-6)


@pytest.mark.parametrize("system", slow_except(SYSTEMS, "initial_state", "additive_previous"))
def test_a_graph_of_unknown_shapes_takes_any_batch(system):
    """Including an empty batch: some oneDNN products of empty matrices kill the process."""
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


class Recorder:
    """A dropout layer that remembers the factors it drew, each `(length, batch, units)`."""

    def __init__(self, layer):
        self.layer = layer
        self.factors = []

    def __call__(self, x, training=None):
        dropped = self.layer(x, training=training)
        if training:
            factor = tf.cast(dropped, tf.float32) / tf.cast(x, tf.float32)
            self.factors.append(np.array(factor))
        return dropped


@pytest.mark.parametrize(
    ("system", "options", "readout"),
    [
        ("initial_state", {}, False),
        ("context_and_previous", {"readout_units": 50}, True),
        ("additive_current", {}, True),
        ("additive_previous", {}, True),
    ],
)
class TestDropout:
    """Where each dropout acts: the plain loop with the same masks computes the same."""

    RATE = 0.4

    def run(self, system, options, **rates):
        options = {**SYSTEMS[system](), **options, **rates}
        decoder = Decoder(15, 50, cell="lstm", num_layers=2, **options)
        encoded = Encoder(20, 50, cell="lstm", num_layers=2)(random_batch()[0]["source"])
        given = (random_batch()[0]["target"], encoded.state, encoded)
        decoder(*given)
        recorder = Recorder(decoder.dropout_layer)
        decoder.dropout_layer = decoder.readout.dropout_layer = recorder
        logits = decoder(*given, training=True).logits
        # The loop over steps draws its masks with the time first.
        time_first = decoder.attention is not None
        places = ["layer_0", "layer_1", "readout"][: len(recorder.factors)]
        masks = {
            place: factor if time_first and place != "readout" else np.swapaxes(factor, 0, 1)
            for place, factor in zip(places, recorder.factors, strict=True)
        }
        return decoder, given, logits, masks

    def test_on_the_outputs_of_all_layers_and_the_readout(self, system, options, readout):
        rates = {"dropout": self.RATE, "embedding_dropout": 0.0}
        decoder, given, logits, masks = self.run(system, options, **rates)
        assert list(masks) == ["layer_0", "layer_1", "readout"][: 2 + readout]
        expected = reference.decode(
            decoder, *given, drop=lambda place, j, x: x * masks[place][j]
        ).logits
        np.testing.assert_allclose(logits, expected, atol=1e-5)

    def test_every_layer_and_step_draws_its_own_mask(self, system, options, readout):
        *_, masks = self.run(system, options, dropout=self.RATE)
        for mask in masks.values():
            np.testing.assert_allclose(np.unique(mask.round(4)), [0, 1 / 0.6], atol=1e-3)
            np.testing.assert_allclose((mask == 0).mean(axis=(1, 2)), self.RATE, atol=0.2)
            for j in range(4):
                assert (mask[j] != mask[j + 1]).mean() > 0.2
            assert (mask[:, 0] != mask[:, 1]).mean() > 0.2
        for mask, other in itertools.combinations(masks.values(), 2):
            assert (mask != other).mean() > 0.3

    def test_only_in_training(self, system, options, readout):
        rates = {"dropout": self.RATE, "word_dropout": self.RATE}
        decoder, given, logits, _ = self.run(system, options, **rates)
        still = decoder(*given).logits
        np.testing.assert_array_equal(still, decoder(*given, training=False).logits)
        np.testing.assert_allclose(still, reference.decode(decoder, *given).logits, atol=1e-5)
        assert np.any(still != logits)


class DecoderContract(MaskedLayerContract):
    def inputs(self):
        rng = np.random.default_rng(4)
        cells = tuple(
            tuple(rng.normal(size=(2, 8)).astype("float32") for _ in range(2)) for _ in range(2)
        )
        outputs = rng.normal(size=(2, 4, 6)).astype("float32")
        mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)
        target = np.array([[2, 5, 6], [2, 7, 0]])
        return target, cells, EncoderOutput(outputs, ((outputs[:, 0],),), mask)

    def padded(self):
        target, cells, encoded = self.inputs()
        outputs = np.pad(encoded.outputs, [(0, 0), (0, 2), (0, 0)], constant_values=9)
        outputs[1, 2:] = -9
        return target, cells, encoded._replace(outputs=outputs, mask=pad_columns(encoded.mask, 2))


class TestContractOfAFixedContext(DecoderContract):
    def make(self):
        return Decoder(15, 8, cell="lstm", num_layers=2, feeding="context_and_previous")


class TestContractOfAskingBefore(DecoderContract):
    def make(self):
        attention = DotAttention("general")
        options = {"query": "previous_state", "dropout": 0.1, "embedding_dropout": 0.2}
        return Decoder(15, 8, cell="lstm", num_layers=2, attention=attention, **options)


class TestContractOfAskingAfter(DecoderContract):
    def make(self):
        return Decoder(15, 8, cell="lstm", num_layers=2, attention=BahdanauAttention(7))


class TestCallArguments:
    """Each misuse raises one sentence with the remedy, for arrays and in the functional API."""

    @pytest.fixture(params=["arrays", "symbols"])
    def ids(self, request):
        symbolic = request.param == "symbols"
        return keras.Input((None,), dtype="int32") if symbolic else np.array([[4, 5, 3]])

    @pytest.mark.parametrize(
        ("encoder", "decoder", "got"),
        [
            ({}, {"cell": "lstm"}, r"\(h, c\) of 8 units .* got \(\(a tensor of shape"),
            ({"cell": "lstm"}, {}, r"\(h,\) of 8 units"),
            ({}, {"num_layers": 2}, r"\(2 in all\)"),
            ({"num_layers": 2}, {}, r"\(1 in all\)"),
            ({"bidirectional": True}, {}, r"of 8 units .* 16\)"),
        ],
    )
    @pytest.mark.parametrize("system", ["initial_state", "additive_current"])
    def test_a_state_that_does_not_fit_names_the_bridge(self, ids, encoder, decoder, got, system):
        encoded = Encoder(20, 8, **encoder)(ids)
        decoder = Decoder(15, 8, **decoder, **SYSTEMS[system]())
        with pytest.raises(ValueError, match=rf"^`initial_state` .*{got}.*; pass Bridge\("):
            decoder(ids, encoded.state, encoded)

    def test_the_bridge_that_is_named_fits(self, ids):
        encoded = Encoder(20, 8)(ids)
        decoder = Decoder(15, 6, cell="lstm", num_layers=2)
        with pytest.raises(ValueError, match=r"; pass Bridge\(.*") as error:
            decoder(ids, encoded.state, encoded)
        remedy = re.search(r"pass (Bridge.*)\.$", str(error.value))[1]
        state = eval(remedy, {"Bridge": Bridge, "encoded": encoded})
        assert decoder(ids, state, encoded).logits.shape[-1] == 15

    @pytest.mark.parametrize("system", ["context_and_previous", "additive_current"])
    def test_only_the_whole_output_of_the_encoder_is_taken(self, ids, system):
        encoded, decoder = Encoder(20, 8)(ids), Decoder(15, 8, **SYSTEMS[system]())
        for wrong in (encoded.outputs, encoded.state):
            with pytest.raises(ValueError, match=r"^`encoded` must be .* got .*a tensor of shape"):
                decoder(ids, encoded.state, wrong)
        decoder(ids, encoded.state, encoded)
        with pytest.raises(ValueError, match=r"^`encoded` must be"):
            decoder.remember(encoded.outputs)
        with pytest.raises(ValueError, match=r"^`initial_state` must hold"):
            decoder.start(encoded.state[0])

    @pytest.mark.parametrize("system", ["context_and_previous", "additive_current"])
    def test_rows_that_do_not_fit_each_other(self, system):
        encoded, decoder = Encoder(20, 8)(np.full((2, 3), 5)), Decoder(15, 8, **SYSTEMS[system]())
        with pytest.raises(ValueError, match="1 in `target`, 2 in `initial_state`, 2 in `encoded`"):
            decoder(np.full((1, 3), 5), encoded.state, encoded)
        with pytest.raises(ValueError, match="2 in `target`, 1 in `initial_state`, 2 in `encoded`"):
            decoder(np.full((2, 3), 5), ((encoded.state[0][0][:1],),), encoded)

    def test_one_sentence_without_a_batch(self, ids):
        encoded, decoder = Encoder(20, 8)(ids), Decoder(15, 8)
        with pytest.raises(ValueError, match=r"^`target` must be ids .* got a tensor of shape"):
            decoder(ids[0], encoded.state, encoded)
        with pytest.raises(ValueError, match=r"^`target` must be ids .* got \(\(4, 5\),\)"):
            decoder([[4, 5]], encoded.state, encoded)


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
        ({"tie_embeddings": "yes"}, "`tie_embeddings`.*got 'yes'"),
        ({"dropout": 1.5}, "`dropout`.*got 1.5"),
        ({"embedding_dropout": -0.5}, "`embedding_dropout`.*got -0.5"),
        ({"word_dropout": 1}, "`word_dropout`.*got 1"),
        ({"readout_activation": "tan"}, "`readout_activation`.*got 'tan'"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        Decoder(15, 8, **arguments)


def test_defaults_and_smallest_sizes():
    assert defaults(Decoder) == {
        "embedding_size": None,
        "cell": "gru",
        "num_layers": 1,
        "feeding": None,
        "attention": None,
        "query": "current_state",
        "readout_units": None,
        "readout_activation": "tanh",
        "tie_embeddings": False,
        "dropout": 0.0,
        "embedding_dropout": None,
        "word_dropout": 0.0,
    }
    sizes = dict.fromkeys(
        ["vocabulary_size", "units", "embedding_size", "num_layers", "readout_units"], 1
    )
    assert_smallest(lambda **size: Decoder(**{"vocabulary_size": 9, "units": 4, **size}), **sizes)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_single_step_drops_nothing(system):
    model = small_model(system, dropout=0.5, word_dropout=0.5, readout_units=8)
    inputs, _ = random_batch()
    state, memory = model.encode(inputs["source"])
    logits, _, _ = model.decoder.step(inputs["target"][:, 0], state, memory)
    np.testing.assert_allclose(logits, model(inputs)[:, 0], atol=1e-5)


@pytest.mark.parametrize("system", ["additive_current", "context_and_previous"])
def test_a_step_names_what_a_beam_search_needs(system):
    model = small_model(system)
    encoded = model.encoder(np.ones([2, 3], "int32"))
    state = model.decoder.start(model.bridge(encoded.state))
    memory = model.decoder.remember(encoded)
    with pytest.raises(InputError, match=r"has 8 rows and `memory` has 2: .* `stepper\(n\)`"):
        search.beam(model.decoder.step, state, 2, 5, width=4, memory=memory)


CANDIDATES = [0, 1, 2, 3, 6, 9, 14, 0]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("system", ["context_alone", "additive_current", "dot_previous"])
def test_a_step_among_candidates_is_one_of_a_smaller_vocabulary(system, tied):
    model = small_model(system, readout_units=5, tie_embeddings=tied)
    for weight in model.weights:
        weight.assign(np.random.default_rng(1).normal(size=weight.shape))
    inputs, _ = random_batch()
    state, memory = model.encode(inputs["source"])
    mask = np.zeros([3, 8], "float32")
    mask[1, 5] = mask[:, 7] = -np.inf
    for width in (1, 2):
        rows = search.repeat_rows(state, width)
        places = np.array([4, 6, 2, 5, 4, 3][: 3 * width], "int32")
        step = model.stepper(width, candidates=tf.constant(CANDIDATES))
        found = step(places, rows, (memory, tf.constant(mask)))
        previous = tf.gather(CANDIDATES, places)
        expected = model.stepper(width)(previous, rows, memory)
        logits = tf.gather(expected[0], CANDIDATES, axis=1) + np.repeat(mask, width, axis=0)
        np.testing.assert_allclose(found[0], logits, atol=1e-4)
        tf.nest.map_structure(np.testing.assert_array_equal, found[2], expected[2])
