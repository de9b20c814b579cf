"""Solutions of the exercises of chapter 9-5."""

import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s
from solutions._strings import exact_match


def exercise_1(units=8):
    """It is the state after the first word: the same as that of a reversed sentence."""
    source = np.array([[5, 6, 7, 3]])
    forward, backward = s2s.Encoder(20, units), s2s.Encoder(20, units, go_backwards=True)
    read_reversed = forward(source[:, ::-1]).context
    backward(source)
    backward.set_weights(forward.get_weights())
    return float(tf.reduce_max(tf.abs(backward(source).context - read_reversed)))


def exercise_2(units=8):
    """The mean of -log P over the words that are not padding is the loss of the call."""
    source, target = np.array([[5, 6, 3], [7, 3, 0]]), np.array([[2, 4, 8], [2, 9, 0]])
    labels = np.array([[4, 8, 3], [9, 3, 0]])
    model = s2s.Seq2Seq(s2s.Encoder(20, units), s2s.Decoder(10, units))
    encoded = model.encoder(source)
    state, memory = (
        model.decoder.start(model.bridge(encoded.state)),
        model.decoder.remember(encoded),
    )
    losses = []
    for j in range(3):
        logits, _, state = model.decoder.step(target[:, j], state, memory)
        log_p = tf.nn.log_softmax(logits).numpy()
        losses += [-log_p[row, id] for row, id in enumerate(labels[:, j]) if id]
    of_the_call = s2s.SequenceCrossEntropy()(labels, model({"source": source, "target": target}))
    return float(np.mean(losses)), float(of_the_call)


def exercise_3(train=4000, **sizes):
    """It does, 66% instead of 36%: what the decoder writes first, the encoder has read last."""
    corpus = s2s.data.copy_corpus("abcdefgh", lengths=(1, 8), train=train, dev=100, test=200)
    return {
        "forward": exact_match(corpus, **sizes),
        "backward": exact_match(corpus, encoder={"go_backwards": True}, **sizes),
    }
