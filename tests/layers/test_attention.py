import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq import BahdanauAttention, DotAttention

RNG = np.random.default_rng(3)
MEMORY = RNG.normal(size=(3, 5, 6)).astype("float32")
QUERY = RNG.normal(size=(3, 4)).astype("float32")
SAME_WIDTH = RNG.normal(size=(3, 6)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)


def attend(attention, query, mask=None):
    context, weights = attention(query, MEMORY, mask)
    return np.array(context), np.array(weights)


def reference(scores):
    """Contexts and weights in NumPy, with MASK, from scores (batch, source_length)."""
    weights = np.zeros_like(scores)
    for row, mask in enumerate(MASK):
        exp = np.exp(scores[row, mask] - scores[row].max())
        weights[row, mask] = exp / exp.sum() if mask.any() else 0
    return np.einsum("bs,bsd->bd", weights, MEMORY), weights


def test_additive_equals_numpy():
    attention = BahdanauAttention(7)
    context, weights = attend(attention, QUERY, MASK)
    v, w = np.array(attention.memory_kernel), np.array(attention.query_layer.kernel)
    b, u = np.array(attention.query_layer.bias), np.array(attention.scorer)
    scores = (np.tanh(MEMORY @ v + (QUERY @ w + b)[:, None]) @ u)[..., 0]
    expected_context, expected_weights = reference(scores)
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
    expected_context, expected_weights = reference(scores)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)
    np.testing.assert_allclose(context, expected_context, atol=1e-6)


@pytest.mark.parametrize("make", [lambda: BahdanauAttention(7), lambda: DotAttention("general")])
class TestBothKinds:
    def test_weights_sum_to_one_and_are_zero_where_masked(self, make):
        _, weights = attend(make(), QUERY, MASK)
        np.testing.assert_allclose(weights.sum(axis=1), [1, 1, 0], atol=1e-6)
        assert not weights[~MASK].any()

    def test_fully_masked_row_gives_zeros_and_finite_gradients(self, make):
        attention = make()
        context, _ = attend(attention, QUERY, MASK)
        assert not context[2].any()
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(attention(QUERY, MEMORY, MASK)[0] ** 2)
        for gradient in tape.gradient(loss, attention.trainable_variables):
            assert np.isfinite(gradient).all()

    def test_no_mask_means_all(self, make):
        attention = make()
        everything = attend(attention, QUERY, np.ones((3, 5), bool))
        for a, b in zip(attend(attention, QUERY), everything, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)

    @pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
    def test_half_precision(self, make, policy):
        attention = make()
        full, _ = attend(attention, QUERY, MASK)
        half = type(attention).from_config({**attention.get_config(), "dtype": policy})
        half.build((None, 4), (None, None, 6))
        half.set_weights(attention.get_weights())
        context, weights = attend(half, QUERY, MASK)
        assert str(context.dtype) == half.compute_dtype
        np.testing.assert_allclose(context.astype("float32"), full, atol=0.05)
        np.testing.assert_allclose(weights.astype("float32").sum(axis=1), [1, 1, 0], atol=0.02)

    def test_keys_projected_beforehand_give_the_same(self, make):
        attention = make()
        expected = attend(attention, QUERY, MASK)
        keys = attention.project_memory(MEMORY)
        for a, b in zip(attention(QUERY, MEMORY, MASK, keys), expected, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_in_a_functional_model_that_is_saved_and_loaded(self, make, tmp_path):
        query, memory = keras.Input((4,)), keras.Input((None, 6))
        model = keras.Model([query, memory], make()(query, memory))
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
        for a, b in zip(again([QUERY, MEMORY]), model([QUERY, MEMORY]), strict=True):
            np.testing.assert_array_equal(a, b)

    def test_config_round_trip(self, make):
        attention = make()
        again = type(attention).from_config(attention.get_config())
        assert again.get_config() == attention.get_config()


def test_unequal_widths_name_both():
    with pytest.raises(ValueError, match=r"4 .*6 .*DotAttention\('general'\)"):
        attend(DotAttention(), QUERY)


def test_unknown_form():
    with pytest.raises(ValueError, match="got 'cosine'"):
        DotAttention("cosine")
