"""Solutions of the exercises of chapter 9-6."""

import keras
import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s
from tf_seq2seq import search
from tf_seq2seq.text import EOS_ID, SOS_ID


def random_model(rows, units=8, scale=4.0):
    """Return a decoder with large random weights, its first state and its memory."""
    keras.utils.set_random_seed(1)
    encoder, decoder = s2s.Encoder(20, units), s2s.Decoder(12, units)
    encoded = encoder(np.random.default_rng(1).integers(4, 20, (rows, 5)))
    decoder(np.array([[SOS_ID]] * rows), encoded.state, encoded)
    decoder.set_weights([scale * weight for weight in decoder.get_weights()])
    return decoder, decoder.start(encoded.state), decoder.remember(encoded)


def exercise_1(rows=20):
    """A shorter limit cuts off what would have been written: it changes no id before that."""
    decoder, state, memory = random_model(rows)
    long, short = (
        search.greedy(decoder.step, state, rows, max_length=length, memory=memory).ids.numpy()
        for length in (8, 3)
    )
    return bool(np.array_equal(long[:, :3], short))


def exercise_2(rows=20, max_length=8):
    """A loop of ten lines writes the same ids as the search."""
    decoder, state, memory = random_model(rows)
    found = search.greedy(decoder.step, state, rows, max_length, memory=memory).ids.numpy()
    previous, ended = np.full(rows, SOS_ID), np.zeros(rows, bool)
    columns = []
    while len(columns) < max_length and not ended.all():
        logits, _, state = decoder.step(previous, state, memory)
        logits = logits.numpy()
        logits[:, [0, SOS_ID]] = -np.inf  # neither padding nor <sos> is a word
        previous = np.where(ended, 0, logits.argmax(axis=-1))
        ended |= previous == EOS_ID
        columns.append(previous)
    return bool(np.array_equal(np.stack(columns, axis=1), found))


def exercise_3(rows=20, max_length=6, widths=(1, 2, 4, 8)):
    """A wider beam finds more probable sequences, and shorter ones: each word has its price."""
    decoder, state, memory = random_model(rows)
    options = {"max_length": max_length, "memory": memory, "length_penalty": 0.0}
    means = {}
    for width in widths:
        found = search.beam(decoder.stepper(width), state, rows, width=width, **options)
        means[width] = [
            float(tf.reduce_mean(tf.cast(x, tf.float32))) for x in (found.scores, found.lengths)
        ]
    return means
