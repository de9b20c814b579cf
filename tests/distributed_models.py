"""Small models and batches whose rows replicas cannot share evenly."""

import keras
import numpy as np
import tensorflow as tf
from helpers import small_model

from tf_seq2seq import LanguageModel, Perplexity, SequenceCrossEntropy, TokenAccuracy, data


def translation(system, **loss):
    """Return a model, and sentences whose lengths give the replicas different word counts."""
    model = small_model(system)
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


def language():
    model = LanguageModel(15, 8)
    metrics = [Perplexity(), TokenAccuracy()]
    model.compile(keras.optimizers.SGD(0.5, global_clipnorm=0.5), metrics=metrics)
    ids = np.random.default_rng(0).integers(1, 15, 4 * 33 + 1)  # the last batch is narrower
    return model, data.text_batches(ids, batch_size=4, length=7)


MODELS = {
    "initial state": lambda: translation("initial_state"),
    "context": lambda: translation("context_and_previous", average="sentences"),
    "attention before": lambda: translation("additive_previous"),
    "attention after": lambda: translation("additive_current"),
    "language model": language,
}
