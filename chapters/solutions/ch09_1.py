"""Solutions of the exercises of chapter 9-1."""

import numpy as np
import tensorflow as tf

from tf_seq2seq.losses import token_cross_entropy

LABELS = np.array([[2, 0]])
LOGITS = np.array([[[2.0, -1.0, 3.0], [1.0, 0.0, -0.5]]], "float32")


def exercise_1(added=100):
    """The losses stay the same, because softmax cancels the constant. The equation overflows."""
    logits = LOGITS + np.float32(added)
    with np.errstate(over="ignore", invalid="ignore"):
        p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        equation = -np.log(p[0, [0, 1], LABELS[0]])
    return token_cross_entropy(LABELS, logits).numpy()[0], equation


def exercise_2():
    """The gradient is p - q: every wrong word is pushed down by its probability."""
    logits = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(token_cross_entropy(LABELS, logits))
    p, q = tf.nn.softmax(LOGITS), tf.one_hot(LABELS, 3)
    return tape.gradient(loss, logits).numpy(), (p - q).numpy()


def exercise_3(size=10_000, epsilon=0.1):
    """The loss is smallest for p = q, where it is the entropy of q; a certain model loses more."""
    q = np.full(size, epsilon / size)
    q[7] += 1 - epsilon
    certain = np.where(np.arange(size) == 7, 20.0, 0.0)
    logits = np.stack([np.log(q), certain])[None].astype("float32")
    best, of_certain = token_cross_entropy([[7, 7]], logits, epsilon).numpy()[0]
    return {"best": best, "entropy": -(q * np.log(q)).sum(), "certain": of_certain}
