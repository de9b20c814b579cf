import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq.layers.linear import Linear, LinearPerRow, multiplier, product
from tf_seq2seq.layers.loop import unfold

RNG = np.random.default_rng(5)


def random(*shape):
    return tf.constant(RNG.normal(size=shape), tf.float32)


@pytest.mark.parametrize("shape", [(2, 3), (2, 5, 3), (0, 3)])
@pytest.mark.parametrize("in_graph", [False, True])
def test_linear_equals_a_dense_layer(shape, in_graph):
    dense = keras.layers.Dense(4, bias_initializer="normal")
    dense.build(shape)

    def value_and_gradients(run, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = run(x)
            loss = tf.reduce_sum(tf.sin(y))
        return y, tape.gradient(loss, [x, *dense.trainable_variables])

    def ours(x):
        return value_and_gradients(lambda x: Linear.of(dense)(x), x)

    x = random(*shape)
    found = (tf.function(ours) if in_graph else ours)(x)
    for mine, same in zip(
        tf.nest.flatten(found), tf.nest.flatten(value_and_gradients(dense, x)), strict=True
    ):
        assert mine.shape == same.shape
        np.testing.assert_allclose(mine, same, atol=1e-6)


@pytest.mark.parametrize("features", [0, 1, 3])
def test_linear_of_a_joined_vector_is_the_sum_of_two(features):
    linear = Linear(random(3, 4), random(4), "float32")
    first, second = linear.split(features)

    @tf.function
    def parts(x):
        return first(x[:, :features]) + second(x[:, features:])

    x = random(5, 3)
    np.testing.assert_allclose(parts(x), linear(x), atol=1e-6)


def test_the_gradient_of_a_half_precision_product_is_summed_in_float32():
    """A bfloat16 sum of 1000 ones stops growing at 256."""
    kernel = tf.Variable(tf.ones([1, 1]))
    with tf.GradientTape() as tape:
        linear = Linear(kernel, None, "bfloat16")

        def step(t, total):
            return (), total + linear(tf.ones([1, 1]))

        _, total = unfold(step, 1000, tf.zeros([1, 1]), num_outputs=0)
    assert float(tape.gradient(total, kernel)[0, 0]) == 1000.0


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_products_are_float32_of_factors_in_the_dtype(dtype):
    a, b = random(2, 3), random(3, 4)
    expected = tf.cast(tf.matmul(tf.cast(a, dtype), tf.cast(b, dtype)), tf.float32)
    for found in (product(a, b, dtype), Linear(b, None, dtype)(a)):
        assert found.dtype == tf.float32
        np.testing.assert_array_equal(found, expected)
    transposed = product(a, tf.transpose(b), dtype, transpose_b=True)
    np.testing.assert_allclose(transposed, expected, rtol=1e-5)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_linear_map_per_row(transpose, dtype):
    matrices, x = random(2, 3, 4), random(2, 4 if transpose else 3)

    def value_and_gradients(run):
        with tf.GradientTape() as tape:
            tape.watch([matrices, x])
            y = run(tf.cast(matrices, dtype))
            loss = tf.reduce_sum(tf.sin(y))
        return y, *tape.gradient(loss, [matrices, x])

    found = value_and_gradients(lambda a: LinearPerRow(a, transpose)(x))
    equation = "bmn,bn->bm" if transpose else "bmn,bm->bn"
    expected = value_and_gradients(lambda a: tf.einsum(equation, tf.cast(a, tf.float32), x))
    for mine, same in zip(found, expected, strict=True):
        assert mine.dtype == tf.float32
        np.testing.assert_allclose(mine, same, atol=1e-6 if dtype == "float32" else 0.03)


def test_a_low_rank_adapter_is_part_of_the_map():
    dense = keras.layers.Dense(4)
    dense.build((None, 3))
    dense.enable_lora(2)
    for weight in dense.weights:
        weight.assign(random(*weight.shape))
    x = random(2, 3)
    np.testing.assert_allclose(Linear.of(dense)(x), dense(x), atol=1e-6)


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_a_quantized_layer_is_refused(mode):
    dense = keras.layers.Dense(8, name="projection")
    dense.build((None, 8))
    dense.quantize(mode)
    with pytest.raises(ValueError, match=rf"'projection' is quantized \({mode}\).*mixed_bfloat16"):
        Linear.of(dense)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_product_in_halves(dtype):
    x, matrix = random(2, 256), random(256, 512)
    graph = tf.function(lambda x: multiplier(matrix, dtype)(x))
    expected = product(x, matrix, dtype)
    np.testing.assert_allclose(graph(x), expected, atol=1e-4)
    types = [op.type for op in graph.get_concrete_function(x).graph.get_operations()]
    assert types.count("MatMul") == (2 if dtype == "float32" else 1)


@pytest.mark.parametrize("shape", [(2, 3), (2, 5, 3)])
def test_a_map_without_a_gradient_is_the_same(shape):
    linear, x = Linear(random(3, 4), random(4), "float32"), random(*shape)
    np.testing.assert_allclose(linear.compute(x), linear.apply(x), atol=1e-6)
    no_inputs = Linear(random(0, 4), random(4), "float32")
    np.testing.assert_array_equal(
        no_inputs.compute(tf.zeros([2, 0])), no_inputs.apply(tf.zeros([2, 0]))
    )
