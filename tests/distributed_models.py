"""Small models and batches whose rows replicas cannot share evenly."""

import keras
import numpy as np
import tensorflow as tf
from helpers import TARGET_SIZE, small_model
from tiny_models import Tiny, TinyWithState

from tf_seq2seq import LanguageModel, Perplexity, SequenceCrossEntropy, TokenAccuracy, data


class Penalized(TinyWithState):
    """Penalizes large logits too; the replicas share the list of `add_loss`."""

    def call(self, ids, state=None, training=None):
        output = super().call(ids, state, training)
        if training:
            self.add_loss(50 * tf.reduce_mean(output.logits**2))
        return output


def translation(model, **loss):
    """Return the model, and sentences whose lengths give the replicas different word counts."""
    model.compile(
        keras.optimizers.Adam(0.02, global_clipnorm=0.5), loss=SequenceCrossEntropy(**loss)
    )
    rng = np.random.default_rng(0)
    lengths = np.sort(rng.integers(1, 9, (5, 7)))
    ids = np.where(np.arange(8) < lengths[..., None], rng.integers(4, 15, (5, 7, 8)), 0)

    def batch(ids, rows):
        ids = ids[:rows]
        return {"source": ids, "target": ids}, ids

    # The last batch of an epoch leaves one row to the first replica and none to the second.
    rows = np.array([6, 5, 4, 7, 1])
    return model, tf.data.Dataset.from_tensor_slices((ids.astype(np.int32), rows)).map(batch)


def language(model):
    """Return the model, and batches of texts."""
    metrics = [Perplexity(), TokenAccuracy()]
    model.compile(keras.optimizers.SGD(0.5, global_clipnorm=0.5), metrics=metrics)
    ids = np.random.default_rng(0).integers(1, 15, 4 * 33 + 1)  # the last batch is narrower
    return model, data.text_batches(ids, batch_size=4, length=7)


def small(system, **loss):
    return lambda: translation(small_model(system), **loss)


MODELS = {
    "initial state": small("initial_state"),
    "context": small("context_and_previous", average="sentences"),
    "attention before": small("additive_previous"),
    "attention after": small("additive_current"),
    "language model": lambda: language(
        LanguageModel(15, 8, activation_penalty=500.0, change_penalty=500.0)
    ),
}
TINY = {
    "tiny": lambda: translation(Tiny(dropout=0.0)),
    "tiny with state": lambda: language(Penalized(TARGET_SIZE, dropout=0.0)),
}
