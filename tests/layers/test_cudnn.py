"""Everything around cuDNN, with an emulation of its operation; tests/gpu/ has the real one."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_layer

from tf_seq2seq.layers import bptt, cudnn
from tf_seq2seq.layers.recurrent import run_layer

FEATURES, UNITS = 3, 4
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0]], bool)


def emulation(
    *, input, input_h, input_c, params, sequence_lengths, rnn_mode, time_major, is_training=True
):
    """The equations of NVIDIA's documentation, one step after another."""
    assert not time_major
    assert is_training, "there would be no gradient"
    lengths = sequence_lengths.numpy() if tf.executing_eagerly() else None
    assert lengths is None or lengths.min() >= 1
    assert input.dtype == params.dtype == input_h.dtype
    gates = {"gru": 3, "lstm": 4}[rnn_mode]
    sizes = [UNITS * FEATURES] * gates + [UNITS * UNITS] * gates + [UNITS] * 2 * gates
    parts = tf.split(params, sizes)
    w = [tf.reshape(part, [UNITS, FEATURES]) for part in parts[:gates]]
    r = [tf.reshape(part, [UNITS, UNITS]) for part in parts[gates : 2 * gates]]
    b, b_r = parts[2 * gates : 3 * gates], parts[3 * gates :]
    h, outputs = input_h[:, 0], []
    c = input_c[:, 0] if rnn_mode == "lstm" else None
    for t in range(input.shape[1]):
        x = input[:, t]
        from_x = [x @ tf.transpose(w[i]) + b[i] for i in range(gates)]
        from_h = [h @ tf.transpose(r[i]) + b_r[i] for i in range(gates)]
        new_c = c
        if rnn_mode == "gru":
            reset, update = (tf.sigmoid(from_x[i] + from_h[i]) for i in range(2))
            new_h = (1 - update) * tf.tanh(from_x[2] + reset * from_h[2]) + update * h
        else:
            i, f, g, o = (a + b for a, b in zip(from_x, from_h, strict=True))
            new_c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            new_h = tf.sigmoid(o) * tf.tanh(new_c)
        running = (t < sequence_lengths)[:, None]
        outputs.append(tf.where(running, new_h, tf.zeros_like(new_h)))
        h = tf.where(running, new_h, h)
        c = None if c is None else tf.where(running, new_c, c)
    last_c = tf.zeros([0], input.dtype) if c is None else c[:, None]
    return tf.stack(outputs, axis=1), h[:, None], last_c, None, None


@pytest.fixture
def gpu(monkeypatch):
    """A machine with a GPU, as far as the layers can see."""
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", emulation)


def make(kind, go_backwards=False, dtype="float32"):
    return random_layer(kind, FEATURES, UNITS, go_backwards, dtype)


def arguments(layer, rows=4, length=5):
    rng = np.random.default_rng(2)
    parts = 2 if isinstance(layer, keras.layers.LSTM) else 1
    inputs = tf.constant(rng.normal(size=[rows, length, FEATURES]), tf.float32)
    return inputs, tuple(
        tf.constant(rng.normal(size=[rows, UNITS]), tf.float32) for _ in range(parts)
    )


def results_and_gradients(layer, inputs, state, mask, context=None):
    sources = [inputs, *state, *(weight.value for weight in layer.weights)]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        results = tf.nest.flatten(run_layer(layer, inputs, state, mask, context))
        loss = sum(tf.reduce_sum(tf.sin(result)) * (i + 1) for i, result in enumerate(results))
    return results + tape.gradient(loss, sources)


def assert_same(ours, expected, atol=1e-5):
    for mine, other in zip(ours, expected, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=atol)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_it_equals_the_loops_for_a_cpu(kind, go_backwards, masked, gpu, monkeypatch):
    """With padding, a gap and no word at all: results and gradients."""
    layer = make(kind, go_backwards)
    mask = tf.constant(MASK) if masked else None
    with cudnn.disabled():
        expected = results_and_gradients(layer, *arguments(layer), mask)
    monkeypatch.setattr(bptt, "run", None)
    assert_same(results_and_gradients(layer, *arguments(layer), mask), expected)


def test_a_context_is_fed_into_each_step(gpu):
    layer, (inputs, state) = make("gru"), arguments(make("gru"))
    words, context = inputs[..., :2], inputs[:, 0, 2:]
    with cudnn.disabled():
        expected = run_layer(layer, words, state, context=context)
    assert_same(
        tf.nest.flatten(run_layer(layer, words, state, context=context)), tf.nest.flatten(expected)
    )


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_another_matrix_of_the_state(kind, gpu):
    layer, same = make(kind), make(kind)
    kernel = tf.reverse(tf.convert_to_tensor(layer.cell.recurrent_kernel), [0])
    same.cell.recurrent_kernel.assign(kernel)
    given = *arguments(layer), tf.constant(MASK)
    results = run_layer(layer, *given, recurrent_kernel=kernel)
    assert_same(tf.nest.flatten(results), tf.nest.flatten(run_layer(same, *given)))


@pytest.mark.parametrize("shape", [(0, 5), (4, 0)])
@pytest.mark.parametrize("masked", [False, True])
def test_an_empty_batch_never_reaches_cudnn(shape, masked, gpu, monkeypatch):
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", None)
    layer = make("lstm")
    inputs, state = arguments(layer, *shape)
    mask = tf.ones(shape, tf.bool) if masked else None
    outputs, last = run_layer(layer, inputs, state, mask)
    assert outputs.shape == (*shape, UNITS)
    assert_same(last, state)


@pytest.mark.parametrize(
    ("policy", "taken"),
    [("float32", "float32"), ("mixed_bfloat16", "float32"), ("mixed_float16", "float16")],
)
def test_precision(policy, taken, gpu, monkeypatch):
    """In bfloat16, TensorFlow's gradients are wrong."""
    seen = []

    def recorded(*, input, **options):
        seen.append(input.dtype)
        return emulation(input=input, **options)

    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", recorded)
    layer = make("gru", dtype=policy)
    outputs, state = run_layer(layer, tf.zeros([2, 3, FEATURES], layer.compute_dtype))
    assert {outputs.dtype, state[0].dtype} == {tf.as_dtype(layer.compute_dtype)}
    assert set(seen) == {tf.as_dtype(taken)}


def test_where_it_is_used(monkeypatch):
    assert not cudnn.usable()  # without a GPU
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    assert cudnn.usable()
    with pytest.raises(KeyError), cudnn.disabled():
        assert not cudnn.usable()
        raise KeyError
    assert cudnn.usable()
    seen = []

    def record():
        seen.append(cudnn.usable())
        tf.while_loop(lambda i: i < 1, lambda i: (seen.append(cudnn.usable()), i + 1)[1], [0])

    tf.function(record)()
    tf.function(record, jit_compile=True)()
    assert seen == [True, True, False, False]
