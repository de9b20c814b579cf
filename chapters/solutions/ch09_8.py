"""Solutions of the exercises of chapter 9-8."""

from collections import Counter
from pathlib import Path

import numpy as np

import tf_seq2seq as s2s

SOURCE = ("she", "bought", "a", "new", "book", "<eos>")
TARGET = ("她", "买", "了", "新", "书")
ALIGNMENT = np.array(
    [
        [0.90, 0.05, 0.01, 0.02, 0.01, 0.01],
        [0.05, 0.80, 0.05, 0.03, 0.05, 0.02],
        [0.02, 0.70, 0.05, 0.08, 0.10, 0.05],
        [0.01, 0.02, 0.02, 0.90, 0.04, 0.01],
        [0.01, 0.02, 0.02, 0.10, 0.80, 0.05],
    ]
)


def exercise_1(alignment=ALIGNMENT):
    """Each row sums to 1, a column to anything: nearly 0 if no character looked at its word."""
    return alignment.sum(axis=1), alignment.sum(axis=0)


def exercise_2(source=SOURCE, target=TARGET, alignment=ALIGNMENT):
    """The most likely word of each character; "bought" has two of them, and "a" has none."""
    return [(target[j], source[i]) for j, i in enumerate(alignment.argmax(axis=1))]


def exercise_3(model_dir=None, count=200, least=0.3):
    """They are "on", "The" and "that", which Chinese often expresses by the order of the words."""
    model_dir = model_dir or Path(__file__).parents[2] / "saved_models" / "en_zh"
    sentences = s2s.data.synthetic_corpus(train=10, test=count).test.source
    times, neglected = Counter(), Counter()
    for translation in s2s.serving.SavedTranslator(model_dir)(sentences):
        looked = translation.alignment.sum(axis=0)
        times.update(translation.source_tokens)
        neglected.update(np.array(translation.source_tokens)[looked < least].tolist())
    shares = {word: neglected[word] / n for word, n in times.items() if n >= count / 10}
    return sorted(shares, key=shares.get, reverse=True)[:3], shares
