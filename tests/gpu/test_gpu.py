"""cuDNN, XLA, strategies and exports on a real GPU, compared with a CPU.

The tests marked `slow` run without a GPU too, which shows that they fit the code.
"""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import ROOT, small_translator

import tf_seq2seq as s2s
from tf_seq2seq import serving, training
from tf_seq2seq.layers import cudnn
from tf_seq2seq.layers.recurrent import recurrent_layer, run_layer

HERE = Path(__file__).parent
# The models of train_small_models.py that XLA compiles.
COMPILED = ("context, gru", "attention before, lstm", "attention after, gru", "language model")
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0]], bool)


@pytest.fixture
def full_precision():
    tf.config.experimental.enable_tensor_float_32_execution(False)
    yield
    tf.config.experimental.enable_tensor_float_32_execution(True)


def layer_and_arguments(kind, go_backwards=False, policy="float32", rows=4, length=5):
    layer = recurrent_layer(kind, 64, "layer", policy, go_backwards)
    layer.build((None, None, 48))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0, 0.2, weight.shape) for weight in layer.weights])
    parts = 2 if kind == "lstm" else 1
    inputs, *state = (
        tf.cast(rng.normal(size=shape), layer.compute_dtype)
        for shape in [(rows, length, 48)] + [(rows, 64)] * parts
    )
    return layer, inputs, tuple(state)


def results_and_gradients(layer, inputs, state, mask):
    sources = [inputs, *state, *(weight.value for weight in layer.weights)]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        results = tf.nest.flatten(run_layer(layer, inputs, state, mask))
        results = [tf.cast(result, tf.float32) for result in results]
        loss = sum(tf.reduce_sum(tf.sin(result)) * (i + 1) for i, result in enumerate(results))
    return [tf.cast(value, tf.float32) for value in results + tape.gradient(loss, sources)]


def assert_close(ours, expected, tolerance):
    """Compare by the size of each tensor."""
    for mine, other in zip(ours, expected, strict=True):
        difference = tf.norm(mine - other) / tf.norm(other)
        assert float(difference) < tolerance


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize(
    ("policy", "tolerance"), [("float32", 1e-5), ("mixed_float16", 4e-3), ("mixed_bfloat16", 2e-2)]
)
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_cudnn_equals_the_loops(kind, policy, tolerance, go_backwards, masked, full_precision):
    """With padding, a gap and no word at all: results and gradients."""
    given = layer_and_arguments(kind, go_backwards, policy)
    mask = tf.constant(MASK) if masked else None
    assert cudnn.usable()
    ours = results_and_gradients(*given, mask)
    with cudnn.disabled():
        expected = results_and_gradients(*given, mask)
    assert_close(ours, expected, tolerance)


@pytest.mark.parametrize("shape", [(0, 5), (4, 0)])
def test_a_batch_without_rows_or_steps(shape):
    layer, inputs, state = layer_and_arguments("lstm", rows=shape[0], length=shape[1])

    @tf.function(
        input_signature=[tf.TensorSpec([None, None, 48]), tf.TensorSpec([None, None], tf.bool)]
    )
    def run(inputs, mask):
        return run_layer(layer, inputs, state, mask)

    outputs, last = run(inputs, tf.ones(shape, tf.bool))
    assert outputs.shape == (*shape, 64)
    for new, old in zip(last, state, strict=True):
        np.testing.assert_array_equal(new, old)


def train_in_a_process(path, jit_compile, **environment):
    subprocess.run(
        [sys.executable, HERE / "train_small_models.py", path, str(jit_compile)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
        | environment,
        check=True,
    )
    return dict(np.load(path))


@pytest.fixture(scope="module")
def cpu_losses(tmp_path_factory):
    path = tmp_path_factory.mktemp("cpu") / "losses.npz"
    return train_in_a_process(path, False, CUDA_VISIBLE_DEVICES="-1")


@pytest.mark.parametrize("jit_compile", [False, True])
def test_losses_are_those_of_a_cpu(jit_compile, cpu_losses, tmp_path):
    """In float32, with padding and rows without a word."""
    environment = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    losses = train_in_a_process(tmp_path / "losses.npz", jit_compile, **environment)
    assert set(losses) == set(COMPILED if jit_compile else cpu_losses)
    for name, values in losses.items():
        np.testing.assert_allclose(values, cpu_losses[name], atol=1e-3, rtol=0, err_msg=name)
        assert values[-2] < values[0]


def copying_model(policy="float32", dropout=0.1, **compile_options):
    keras.config.set_dtype_policy(policy)
    corpus = s2s.data.copy_corpus("abcdef", lengths=(1, 6), train=400, dev=40, test=4)
    tokenizer = s2s.text.WordTokenizer()
    tokenizer.adapt(corpus.train.source)
    batches = [
        s2s.data.batches(
            part, tokenizer, tokenizer, batch_size=32, num_buckets=1, drop_remainder=True
        )
        for part in (corpus.train, corpus.dev)
    ]
    size = tokenizer.vocabulary_size
    model = s2s.Seq2Seq(
        s2s.Encoder(size, 32, bidirectional=True, dropout=dropout),
        s2s.Decoder(size, 64, attention=s2s.BahdanauAttention(32), dropout=dropout),
    )
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0), **compile_options)
    return model, *batches


def test_xla_is_the_default_and_trains_in_bfloat16(tmp_path):
    model, train, dev = copying_model("mixed_bfloat16", steps_per_execution=4)
    assert model.jit_compile
    history = training.fit(model, train, dev, epochs=4, directory=tmp_path)
    assert history.history["val_loss"][-1] < 0.7 * history.history["val_loss"][0]


@pytest.mark.slow
def test_keras_trains_it_too():
    model, train, dev = copying_model()
    history = model.fit(train, validation_data=dev, epochs=4, verbose=0, shuffle=False)
    assert history.history["val_loss"][-1] < 0.7 * history.history["val_loss"][0]


@pytest.mark.slow
def test_a_mirrored_strategy_on_the_gpu_gives_the_losses_of_one_device(tmp_path, full_precision):
    histories = []
    for strategy in (training.strategy("default"), training.strategy("mirrored")):
        keras.utils.set_random_seed(1)
        with strategy.scope():
            model, train, dev = copying_model(dropout=0.0, jit_compile=False)
        histories.append(training.fit(model, train, dev, epochs=2, directory=tmp_path / "run"))
    one, mirrored = histories
    np.testing.assert_allclose(one.step_losses, mirrored.step_losses, atol=1e-4)


@pytest.mark.slow
def test_resuming_gives_the_losses_of_an_uninterrupted_run(tmp_path):
    class StopError(Exception):
        pass

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, step, logs=None):
            if step == 7:
                raise StopError

    options = {"epochs": 1, "checkpoint_every": 4}
    keras.utils.set_random_seed(1)
    model, train, dev = copying_model()
    whole = training.fit(model, train, dev, directory=tmp_path / "whole", **options)
    keras.utils.set_random_seed(1)
    model, train, dev = copying_model()
    with pytest.raises(StopError):
        training.fit(model, train, dev, directory=tmp_path / "part", callbacks=[Stop()], **options)
    model, train, dev = copying_model()
    resumed = training.fit(model, train, dev, directory=tmp_path / "part", resume=True, **options)
    np.testing.assert_allclose(resumed.step_losses, whole.step_losses, atol=1e-3)


@pytest.mark.slow
def test_an_export_from_a_gpu_is_served_on_a_cpu(tmp_path):
    """With the translations of the GPU; `run_in_fresh_process` has no GPU."""
    translator = small_translator()
    sentences = ["a b c d", "", "h g f e d c b a"]
    path = serving.export(translator, tmp_path / "m")
    served = serving.run_in_fresh_process(path, sentences)
    translations = translator(sentences)
    assert served["translation"] == [each.text for each in translations]
    np.testing.assert_allclose(served["score"], [each.score for each in translations], atol=0.02)


@pytest.mark.slow
def test_greedy_search_compiled_by_xla_finds_the_same():
    model, _, _ = copying_model()
    source = tf.constant(np.random.default_rng(0).integers(4, 9, (8, 6)), tf.int32)

    def search():
        state, memory = model.encode(source)
        return s2s.search.greedy(lambda ids, state: model.step(ids, state, memory), state, 8, 10)

    plain = tf.function(search)()
    compiled = tf.function(search, jit_compile=True)()
    length = plain.ids.shape[1]
    np.testing.assert_array_equal(compiled.ids[:, :length], plain.ids)
    np.testing.assert_allclose(compiled.scores, plain.scores, atol=0.02)
