"""Solutions of the exercises of chapter 9-3."""

import tensorflow as tf

import tf_seq2seq as s2s
from tf_seq2seq.text import UNK_ID


def exercise_1(train=1000):
    """The word that is not in the vocabulary becomes id 1, and `<unk>` in the decoded text."""
    tokenizer = s2s.text.WordTokenizer()
    tokenizer.adapt(s2s.data.synthetic_corpus(train=train).train.source)
    ids = tokenizer.encode(["She bought a zeppelin."])
    return ids.to_list()[0].count(UNK_ID), tokenizer.decode(ids).numpy()[0].decode()


def exercise_2(train=1000):
    """Look up each token. Chinese has no spaces, so that joining the characters is enough."""
    lines = s2s.data.synthetic_corpus(train=train).train.target
    tokenizer = s2s.text.ChineseTokenizer()
    tokenizer.adapt(lines, min_count=1)
    tokens = [tokenizer.display(token) for token in tokenizer.vocabulary.tokens]
    decoded = ["".join(tokens[id] for id in ids) for ids in tokenizer.encode(lines).to_list()]
    return decoded == list(lines)


def exercise_3(train=1000, size=200):
    """With 200 entries, a fifth of the words is unknown but no subword; lines are twice as long."""
    lines = s2s.data.synthetic_corpus(train=train).train.source
    found = {}
    for kind in (s2s.text.WordTokenizer, s2s.text.SubwordTokenizer):
        tokenizer = kind()
        tokenizer.adapt(lines, max_size=size)
        ids = tokenizer.encode(lines)
        is_unknown = tf.cast(ids.flat_values == UNK_ID, tf.float32)
        found[kind.__name__] = float(tf.reduce_mean(is_unknown)), len(is_unknown) / len(lines)
    return found
