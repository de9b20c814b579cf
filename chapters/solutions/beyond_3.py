"""Solutions of the exercises of the third chapter beyond the book."""

import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s


def exercise_1(size=8000, units=512, embedding_size=256):
    """Tied embeddings have 8,000 x 512 weights less; a linear readout of 256 units is added."""
    encoder = s2s.Encoder(size, units, embedding_size=embedding_size)
    narrow = {"readout_units": embedding_size, "readout_activation": None}
    counts = {}
    for name, options in {"free": {}, "tied": {"tie_embeddings": True, **narrow}}.items():
        decoder = s2s.Decoder(size, units, embedding_size=embedding_size, **options)
        counts[name] = s2s.Seq2Seq(encoder, decoder).count_params()
    return counts


def exercise_2():
    """The mean of the probabilities is not the softmax of the mean of the logits."""
    inputs = {"source": np.array([[5, 6, 3]]), "target": np.array([[2, 8]])}
    members = [s2s.Seq2Seq(s2s.Encoder(20, n), s2s.Decoder(10, n)) for n in (8, 16)]
    for member in members:
        member.set_weights([9 * weight for weight in member.get_weights()])
    logits = [member(inputs) for member in members]
    mean = tf.reduce_mean([tf.nn.softmax(each) for each in logits], axis=0)
    of_package = tf.exp(s2s.models.Ensemble(members)(inputs))
    of_logits = tf.nn.softmax(tf.reduce_mean(logits, axis=0))
    return [float(tf.reduce_max(tf.abs(mean - other))) for other in (of_package, of_logits)]


def share_of_wins(scores, others, samples=1000):
    """Return in how many samples of the same sentences the first system is ahead."""
    difference = np.subtract(scores, others)
    rng = np.random.default_rng(1)
    means = [rng.choice(difference, len(difference)).mean() for _ in range(samples)]
    return float(np.mean(np.array(means) > 0))


def exercise_3(sizes=(50, 1000)):
    """In 68% of the samples of 50 sentences, and in all of 1,000: small test sets decide little."""
    rng = np.random.default_rng(1)
    shares = {}
    for size in sizes:
        hard = rng.random(size)  # how hard a sentence is for both
        better, worse = (rng.random(size) + ability > hard + 0.4 for ability in (0.45, 0.40))
        shares[size] = share_of_wins(better.astype(float), worse.astype(float))
    return shares
