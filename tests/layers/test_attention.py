import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_smallest, defaults, random_batch, small_model
from layer_contract import MaskedLayerContract, assert_close

from tf_seq2seq import Attention, BahdanauAttention, DotAttention, SequenceCrossEntropy, search
from tf_seq2seq.layers import bptt
from tf_seq2seq.layers.operation import Operation, answering

RNG = np.random.default_rng(3)
MEMORY = RNG.normal(size=(3, 5, 6)).astype("float32")
QUERY = RNG.normal(size=(3, 4)).astype("float32")
SAME_WIDTH = RNG.normal(size=(3, 6)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)


def attend(attention, query, mask=None):
    context, weights = attention(query, MEMORY, mask)
    return np.array(context), np.array(weights)


def expected_attention(scores):
    """Contexts and weights in NumPy, with MASK, from scores (batch, source_length)."""
    weights = np.zeros_like(scores)
    for row, mask in enumerate(MASK):
        exp = np.exp(scores[row, mask] - scores[row].max())
        weights[row, mask] = exp / exp.sum() if mask.any() else 0
    return np.einsum("bs,bsd->bd", weights, MEMORY), weights


def test_additive_equals_numpy():
    attention = BahdanauAttention(7)
    attention.build(QUERY.shape, MEMORY.shape)
    attention.query_layer.bias.assign(np.linspace(-1, 1, 7))
    context, weights = attend(attention, QUERY, MASK)
    v, w = np.array(attention.memory_kernel), np.array(attention.query_layer.kernel)
    b, u = np.array(attention.query_layer.bias), np.array(attention.scorer)
    scores = (np.tanh(MEMORY @ v + (QUERY @ w + b)[:, None]) @ u)[..., 0]
    expected_context, expected_weights = expected_attention(scores)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)
    np.testing.assert_allclose(context, expected_context, atol=1e-6)


@pytest.mark.parametrize("form", ["dot", "scaled", "general"])
def test_multiplicative_equals_numpy(form):
    attention = DotAttention(form)
    query = QUERY if form == "general" else SAME_WIDTH
    context, weights = attend(attention, query, MASK)
    if form == "general":
        query = query @ np.array(attention.query_layer.kernel)
    scores = np.einsum("bsd,bd->bs", MEMORY, query) / (6**0.5 if form == "scaled" else 1)
    expected_context, expected_weights = expected_attention(scores)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)
    np.testing.assert_allclose(context, expected_context, atol=1e-6)


class AttentionContract(MaskedLayerContract):
    def inputs(self):
        return QUERY, MEMORY, MASK

    def padded(self):
        memory = np.concatenate([MEMORY, RNG.normal(size=(3, 4, 6))], axis=1).astype("float32")
        mask = np.pad(MASK, [(0, 0), (0, 4)])
        memory[~mask] = 9
        return QUERY, memory, mask

    def test_weights_sum_to_one_and_are_zero_where_masked(self):
        _, weights = attend(self.make(), QUERY, MASK)
        np.testing.assert_allclose(weights.sum(axis=1), [1, 1, 0], atol=1e-6)
        assert not weights[~MASK].any()

    def test_fully_masked_row_gives_zeros_and_finite_gradients(self):
        attention = self.make()
        context, _ = attend(attention, QUERY, MASK)
        assert not context[2].any()
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(attention(QUERY, MEMORY, MASK)[0] ** 2)
        for gradient in tape.gradient(loss, attention.trainable_variables):
            assert np.isfinite(gradient).all()

    def test_no_mask_means_all(self):
        attention = self.make()
        everything = attend(attention, QUERY, np.ones((3, 5), bool))
        for a, b in zip(attend(attention, QUERY), everything, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)

    def test_keys_projected_beforehand_give_the_same(self):
        attention = self.make()
        expected = attend(attention, QUERY, MASK)
        keys = attention.project_memory(MEMORY)
        for a, b in zip(attention(QUERY, MEMORY, MASK, keys), expected, strict=True):
            np.testing.assert_array_equal(a, b)


class TestBahdanau(AttentionContract):
    def make(self):
        return BahdanauAttention(7)


class TestDot(AttentionContract):
    def make(self):
        return DotAttention("general")


def test_unequal_widths_name_both():
    with pytest.raises(ValueError, match=r"4 .*6 .*DotAttention\('general'\)"):
        attend(DotAttention(), QUERY)


def test_arguments_out_of_range():
    with pytest.raises(ValueError, match="`form` must be 'dot', 'scaled' or 'general', got 'cos"):
        DotAttention("cosine")
    with pytest.raises(ValueError, match=r"`units`.*got True"):
        BahdanauAttention(True)


@keras.saving.register_keras_serializable("tests")
class FirstTwo(DotAttention):
    """Attention within a window: the first two positions."""

    def align(self, query, keys, mask):
        window = tf.range(tf.shape(keys)[1]) < 2
        return super().align(query, keys, window if mask is None else mask & window)


@keras.saving.register_keras_serializable("tests")
class Nearest(Attention):
    """Another score: the negative squared distance."""

    def score(self, query, keys):
        return -tf.reduce_sum(tf.cast(keys - query[:, None], tf.float32) ** 2, axis=-1)


class Scaled(DotAttention):
    """Nothing is overridden but a default."""

    def __init__(self):
        super().__init__("scaled")


class TestSubclasses:
    """The layer and all paths of a decoder must use the methods that a subclass overrides."""

    def test_align_is_used_by_the_layer(self):
        _, weights = attend(FirstTwo("dot"), SAME_WIDTH)
        np.testing.assert_allclose(weights[:, :2].sum(axis=1), 1, atol=1e-6)
        assert not weights[:, 2:].any()

    def test_score_is_used_by_the_layer(self):
        _, weights = attend(Nearest(), SAME_WIDTH, MASK)
        scores = -((MEMORY - SAME_WIDTH[:, None]) ** 2).sum(axis=-1)
        np.testing.assert_allclose(weights, expected_attention(scores)[1], atol=1e-6)

    @pytest.mark.parametrize("query", ["current_state", "previous_state"])
    def test_score_without_weights_is_used_by_a_decoder(self, query):
        inputs, _ = random_batch()
        # A distance and a dot product give different weights for the same states.
        models = [
            small_model("initial_state", attention=attention, query=query)
            for attention in (Nearest(), DotAttention())
        ]
        models[1].set_weights(models[0].get_weights())
        weights = []
        for model in models:
            state, memory = model.encode(inputs["source"])
            weights.append(model.step(inputs["target"][:, 0], state, memory)[1])
        assert np.abs(weights[0] - weights[1]).max() > 1e-5

    @pytest.mark.parametrize("query", ["current_state", "previous_state"])
    def test_align_is_used_by_a_decoder(self, query):
        model = small_model("initial_state", attention=FirstTwo(), query=query)
        inputs, _ = random_batch()
        state, memory = model.encode(inputs["source"])
        encoded = model.encoder(inputs["source"])
        whole = model.decoder(inputs["target"], model.bridge(encoded.state), encoded)
        assert not np.any(whole.alignment[..., 2:])
        for j in range(2):
            logits, weights, state = model.step(inputs["target"][:, j], state, memory)
            np.testing.assert_allclose(weights, whole.alignment[:, j], atol=1e-6)
            np.testing.assert_allclose(logits, whole.logits[:, j], atol=1e-5)

    @pytest.mark.parametrize("attention", [Nearest, FirstTwo, DotAttention, Scaled])
    def test_hypotheses_share_the_memory_of_their_sentence(self, attention):
        model = small_model("initial_state", attention=attention(), query="previous_state")
        inputs, _ = random_batch()
        state, memory = model.encode(inputs["source"])
        state = search.repeat_rows(state, 2)
        previous = tf.constant([4, 5, 6, 7, 8, 9])
        shared = model.stepper(width=2)(previous, state, memory)
        copied = model.stepper()(previous, state, search.repeat_rows(memory, 2))
        assert_close(shared, copied, atol=1e-6)

    def test_a_subclass_is_not_expected_to_take_several_queries(self):
        assert DotAttention.several_queries
        assert Scaled.several_queries, "it overrides nothing"
        assert not FirstTwo.several_queries

    @pytest.mark.parametrize("attention", [FirstTwo, Nearest])
    def test_gradients_in_training(self, attention, monkeypatch):
        """Those that are written out and TensorFlow's own, which differentiates the rest."""
        model = small_model("initial_state", attention=attention(), query="previous_state")
        inputs, labels = random_batch()

        def gradients():
            with tf.GradientTape() as tape:
                loss = SequenceCrossEntropy()(labels, model(inputs, training=True))
            return tape.gradient(loss, model.trainable_variables[2:])  # without the embeddings

        found = tf.function(gradients)()
        monkeypatch.setattr(bptt, "unfold", bptt.unfold_plainly)
        with answering(Operation.compute):
            expected = tf.function(gradients)()
        for mine, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(*map(tf.convert_to_tensor, (mine, other)), atol=1e-6)

    def test_a_class_that_overrides_call_is_refused(self):
        with pytest.raises(TypeError, match=r"Ignored overrides `call`.*`score` or `align`"):

            class Ignored(DotAttention):
                def call(self, query, memory, mask=None, keys=None):
                    return super().call(query, memory, mask, keys)

    def test_a_call_that_is_inherited_from_another_class_is_refused(self):
        class Mixin:
            def call(self, query, memory, mask=None, keys=None):
                return super().call(query, memory, mask, keys)

        with pytest.raises(TypeError, match="Ignored overrides `call`"):

            class Ignored(Mixin, DotAttention):
                pass

    def test_a_class_without_a_score_says_so(self):
        class Empty(Attention):
            pass

        with pytest.raises(NotImplementedError, match="Empty does not define `score`"):
            attend(Empty(), SAME_WIDTH)


def test_defaults_and_smallest_sizes():
    assert defaults(DotAttention) == {"form": "dot"}
    assert_smallest(BahdanauAttention, units=1)
