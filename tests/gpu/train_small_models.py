"""Train small models without dropout: python train_small_models.py LOSSES.npz XLA"""

import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s

STEPS = 20
# XLA takes long to compile a model.
COMPILED = ("context, gru", "attention before, lstm", "attention after, gru", "language model")
SYSTEMS = {
    "initial state": {"feeding": "initial_state"},
    "context": {"feeding": "context_and_previous"},
    "attention before": {"attention": lambda: s2s.BahdanauAttention(24), "query": "previous_state"},
    "attention after": {"attention": s2s.DotAttention, "tie_embeddings": True},
}


def translation(cell, attention=None, **options):
    shared = {"cell": cell, "num_layers": 2, "embedding_size": 16}
    attention = None if attention is None else attention()
    model = s2s.Seq2Seq(
        s2s.Encoder(40, 16, bidirectional=True, **shared),
        s2s.Decoder(30, 32, attention=attention, **shared, **options),
    )
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 9, (STEPS, 12))
    lengths[:, 0] = 0  # a row without a word
    ids = np.where(np.arange(8) < lengths[..., None], rng.integers(4, 30, (STEPS, 12, 8)), 0)
    ids = tf.data.Dataset.from_tensor_slices(ids.astype(np.int32))
    return model, ids.map(lambda ids: ({"source": ids, "target": ids}, ids))


def language(cell):
    ids = np.random.default_rng(0).integers(1, 30, 4 * 7 * STEPS + 1)
    return s2s.LanguageModel(30, 32, num_layers=2), s2s.data.text_batches(ids, 4, 7)


def models():
    for name, options in SYSTEMS.items():
        for cell in ("gru", "lstm"):
            yield f"{name}, {cell}", *translation(cell, **options)
    yield "language model", *language("lstm")


def losses(jit_compile):
    """Train the models; return the losses of the steps by name, and those on the same data."""
    found = {}
    for name, model, batches in models():
        if jit_compile and name not in COMPILED:
            continue
        rng = np.random.default_rng(1)  # a GPU draws other numbers
        model.set_weights([rng.normal(0, 0.2, weight.shape) for weight in model.weights])
        model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0), jit_compile=jit_compile)
        with tempfile.TemporaryDirectory() as directory:
            history = s2s.training.fit(model, batches, batches, epochs=1, directory=directory)
        found[name] = [*history.step_losses, history.history["val_loss"][-1]]
    return found


if __name__ == "__main__":
    tf.config.experimental.enable_tensor_float_32_execution(False)
    np.savez(sys.argv[1], **losses(sys.argv[2] == "True"))
