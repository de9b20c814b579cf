"""The gradient of a loop equals TensorFlow's, whatever the step uses."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, small_model

from tf_seq2seq import SequenceCrossEntropy
from tf_seq2seq.layers import bptt
from tf_seq2seq.layers.bptt import unfold
from tf_seq2seq.layers.linear import Linear
from tf_seq2seq.layers.operation import Operation, answering

LENGTH, ROWS, UNITS = 6, 2, 3


def random(*shape, seed=0):
    return tf.constant(np.random.default_rng([seed, *shape]).normal(size=shape), tf.float32)


class Cell:
    """A step with all that a step may have: products in a row, of a state and of results, with and
    without a bias, tensors from outside, masks, and a part of the state that nothing uses."""

    def __init__(self, dtype="float32"):
        self.weights = [random(UNITS, UNITS), random(UNITS), random(UNITS, UNITS), random(1, UNITS)]
        self.outside = random(ROWS, UNITS, seed=1)
        self.inputs = random(LENGTH, ROWS, UNITS)
        self.state = ((random(ROWS, UNITS, seed=2),), random(ROWS, UNITS, seed=3), tf.zeros([ROWS]))
        self.masks = [random(LENGTH, ROWS, UNITS, seed=4)]
        self.dtype = dtype

    @property
    def sources(self):
        return [*self.weights, self.outside, self.inputs, *self.state[0], self.state[1]]

    def run(self, unfold):
        kernel, bias, second, scale = (each * 1.0 for each in self.weights)
        first, second = Linear(kernel, bias, self.dtype), Linear(second, None, self.dtype)
        # Tensors of the graph, as the values of variables are: TensorFlow makes small eager ones
        # constants of the graph.
        outside = self.outside * 1.0

        def step(x, masks, state):
            (h,), c, unused = state
            h = tf.tanh(first(h) + x * scale) * masks[0]
            c = tf.sigmoid(c) + second(h * outside) + outside
            return (h, h * c), ((h,), c, unused)

        return unfold(step, self.inputs, self.masks, self.state, num_outputs=2)

    def results_and_gradients(self, unfold):
        with tf.GradientTape() as tape:
            tape.watch(self.sources)
            (first, second), ((h,), c, _) = self.run(unfold)
            parts = (first, second**2, tf.sin(h), tf.cos(c))
            loss = sum(tf.reduce_sum(part) * (i + 1) for i, part in enumerate(parts))
        return [first, second, h, c], tape.gradient(loss, self.sources)


def unfold_plainly(*args, **kwargs):
    """Unfold a step with TensorFlow's gradient of everything in it."""
    with answering(Operation.compute):
        return bptt.unfold_plainly(*args, **kwargs)


def assert_close(ours, expected, **tolerance):
    for mine, other in zip(tf.nest.flatten(ours), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(mine, other, **tolerance)


@pytest.mark.parametrize(
    "options", [None, {}, {"jit_compile": True}], ids=["eager", "graph", "xla"]
)
def test_it_equals_the_gradient_of_tensorflow(options):
    cell = Cell()

    def run():
        return cell.results_and_gradients(unfold)

    ours = run() if options is None else tf.function(run, autograph=False, **options)()
    assert_close(ours, cell.results_and_gradients(unfold_plainly), rtol=1e-5, atol=1e-5)


def test_in_half_precision():
    (results, gradients), (exact, exact_gradients) = (
        Cell(dtype).results_and_gradients(unfold) for dtype in ("bfloat16", "float32")
    )
    assert_close(results, exact, atol=0.1)
    for mine, other in zip(gradients, exact_gradients, strict=True):
        assert mine.dtype == tf.float32
        assert float(tf.norm(mine - other) / tf.norm(other)) < 0.05


def test_one_output_alone_gets_a_gradient():
    cell = Cell()

    def gradients(unfold):
        with tf.GradientTape() as tape:
            tape.watch(cell.sources)
            loss = tf.reduce_sum(cell.run(unfold)[0][1])
        return tape.gradient(loss, cell.sources)

    assert_close(gradients(unfold), gradients(unfold_plainly), rtol=1e-5, atol=1e-5)


def test_a_step_that_reads_a_variable_gets_the_gradient_of_tensorflow():
    variable = tf.Variable([0.5, 1.0, 2.0])

    def step(x, masks, state):
        state = tf.tanh(state * variable + x)
        return (state,), state

    def gradients(unfold):
        inputs = random(LENGTH, ROWS, UNITS)
        with tf.GradientTape() as tape:
            outputs, _ = unfold(step, inputs, [], tf.zeros([ROWS, UNITS]), 1)
            loss = tf.reduce_sum(outputs[0] ** 2)
        return tape.gradient(loss, [variable])

    (ours,), (expected,) = gradients(unfold), gradients(unfold_plainly)
    assert np.abs(expected).min() > 0
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_the_gradient_of_a_matrix_takes_one_product(monkeypatch):
    """The loop of the backward pass has only the products that give the gradients of operands."""
    cell = Cell()

    def products(unfold):
        @tf.function(autograph=False)
        def run():
            return cell.results_and_gradients(unfold)

        graph = run.get_concrete_function().graph.as_graph_def()
        in_loops = [n.op for function in graph.library.function for n in function.node_def]
        return in_loops.count("MatMul"), [n.op for n in graph.node].count("MatMul")

    # Two in each loop; afterwards, one for each matrix and one for the bias.
    assert products(unfold) == (4, 3)
    assert products(unfold_plainly)[0] > 4


def test_a_second_derivative_is_refused():
    cell = Cell()
    with tf.GradientTape() as outer:
        outer.watch(cell.sources)
        _, gradients = cell.results_and_gradients(unfold)
        total = sum(tf.reduce_sum(gradient) for gradient in gradients)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        outer.gradient(total, cell.sources)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_decoders_with_attention_use_it_in_training(jit_compile, monkeypatch):
    """None of their steps reads a variable; then the gradient would be TensorFlow's own."""
    model, (inputs, labels) = small_model("additive_current", "lstm"), random_batch()

    def gradients(training=True):
        with tf.GradientTape() as tape:
            loss = SequenceCrossEntropy()(labels, model(inputs, training=training))
        return tape.gradient(loss, model.trainable_variables)

    monkeypatch.setattr(bptt, "unfold_plainly", None)
    in_graph = tf.function(gradients, jit_compile=jit_compile)
    assert None not in in_graph.get_concrete_function().structured_outputs
    for function in (gradients, lambda: in_graph.get_concrete_function(training=False)):
        with pytest.raises(TypeError):
            function()


def test_an_operation_with_a_matrix_from_within_the_step_gets_the_gradient_of_tensorflow():
    inputs, matrix, scale = random(LENGTH, ROWS, UNITS), random(UNITS, UNITS), random(1, UNITS)

    def gradients(unfold, *sources):
        inputs, matrix, scale = sources

        def step(x, masks, state):
            state = tf.tanh(Linear(matrix * (scale + x[0, 0]), None, "float32")(state))
            return (state,), state

        with tf.GradientTape() as tape:
            tape.watch(sources)
            outputs, _ = unfold(step, inputs, [], tf.ones([ROWS, UNITS]), 1)
            loss = tf.reduce_sum(outputs[0] ** 2)
        return tape.gradient(loss, sources)

    ours, expected = (
        tf.function(gradients, autograph=False)(run, inputs, matrix, scale)
        for run in (unfold, unfold_plainly)
    )
    assert_close(ours, expected, rtol=1e-4, atol=1e-5)
