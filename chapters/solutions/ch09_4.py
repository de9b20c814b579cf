"""Solutions of the exercises of chapter 9-4."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s


def exercise_1():
    """The second batch continues each row of the first: 5 to 9, and 15 to 19."""
    _, (second, _) = s2s.data.text_batches(np.arange(21), batch_size=2, length=5)
    return second.numpy().tolist()


def exercise_2(lines=None):
    """185 and 14, where an LSTM has less than 7: it also knows the words before the last."""
    text = s2s.data.synthetic_text()
    train, dev = (" <eos> ".join(part[:lines]).split() for part in (text.train, text.dev))
    words, pairs = Counter(train), Counter(pairwise(train))
    size, total = len(words) + 1, len(train)  # and all unknown words

    def unigram(word):
        return (words[word] + 1) / (total + size)

    def bigram(before, word):
        return 0.9 * pairs[before, word] / max(words[before], 1) + 0.1 * unigram(word)

    def perplexity(probabilities):
        return math.exp(-sum(map(math.log, probabilities)) / (len(dev) - 1))

    return {
        "uniform": size,
        "words": perplexity(unigram(word) for word in dev[1:]),
        "pairs": perplexity(bigram(*pair) for pair in pairwise(dev)),
    }


def exercise_3(units=8):
    """The loss of a segment depends on the words before it, but no gradient reaches them."""
    model = s2s.LanguageModel(20, units)
    first, second = tf.constant([[4, 5, 6]]), tf.constant([[7, 8, 9]])
    norms = {}
    for stop in (False, True):
        with tf.GradientTape() as tape:
            _, state = model(first)
            if stop:  # as at the end of a batch
                state = tf.nest.map_structure(tf.stop_gradient, state)
            loss = tf.reduce_sum(model(second, state).logits[..., 9])
        gradient = tape.gradient(loss, model.embedding.embeddings.value)
        norms[stop] = float(tf.norm(tf.convert_to_tensor(gradient)[4:7]))
    without = tf.reduce_sum(model(second).logits[..., 9])
    return {"norm": norms[False], "stopped": norms[True], "difference": float(loss - without)}
