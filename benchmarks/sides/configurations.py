"""The models that both sides build, and their batches; needs only NumPy."""

import dataclasses

import numpy as np

PAD_ID, SOS_ID, EOS_ID = 0, 2, 3
FIRST_WORD = 4
EOS_BIAS = -30.0
"""The bias of `<eos>`, so low that greedy search never ends early."""


@dataclasses.dataclass(frozen=True)
class Configuration:
    cell: str
    num_layers: int
    bidirectional: bool
    source_vocabulary: int
    target_vocabulary: int
    embedding_size: int
    units: int
    attention_units: int
    readout_units: int
    readout_activation: str | None
    tied: bool
    encoder_dropout: float
    decoder_dropout: float
    embedding_dropout: float
    word_dropout: float
    label_smoothing: float
    learning_rate: float
    beta_2: float
    clip: float
    batch_size: int
    length: int
    query: str = "previous_state"
    greedy_batches: tuple[int, ...] = (64, 128)
    greedy_steps: int = 32

    @property
    def memory_size(self):
        return self.units * (2 if self.bidirectional else 1)


@dataclasses.dataclass(frozen=True)
class LanguageModelConfiguration:
    vocabulary: int
    units: int
    num_layers: int = 2
    dropout: float = 0.1
    learning_rate: float = 1.0
    clip: float = 5.0
    batch_size: int = 20
    length: int = 35


MODELS = {
    # Multi30k's words, and the readout of the book's AttentionWrapper, tanh(W [s ; c]), which gives
    # the logits and goes into the next step.
    "attention": Configuration(
        cell="gru",
        num_layers=1,
        bidirectional=True,
        source_vocabulary=7882,
        target_vocabulary=5898,
        embedding_size=256,
        units=512,
        attention_units=512,
        readout_units=512,
        readout_activation="tanh",
        tied=False,
        encoder_dropout=0.5,
        decoder_dropout=0.5,
        embedding_dropout=0.5,
        word_dropout=0.0,
        label_smoothing=0.0,
        learning_rate=1e-3,
        beta_2=0.999,
        clip=1.0,
        batch_size=128,
        length=16,
        query="current_state",
    ),
    # The preset `tuned` of chapters/beyond_3_multi30k.py, with sentences of the usual length.
    "tuned": Configuration(
        cell="gru",
        num_layers=1,
        bidirectional=True,
        source_vocabulary=7000,
        target_vocabulary=6000,
        embedding_size=256,
        units=512,
        attention_units=256,
        readout_units=256,
        readout_activation=None,
        tied=True,
        encoder_dropout=0.2,
        decoder_dropout=0.4,
        embedding_dropout=0.3,
        word_dropout=0.1,
        label_smoothing=0.1,
        learning_rate=1e-3,
        beta_2=0.98,
        clip=1.0,
        batch_size=96,
        length=16,
    ),
    # As large as the systems of Wu et al. 2016, with fewer layers.
    "gnmt": Configuration(
        cell="lstm",
        num_layers=4,
        bidirectional=False,
        source_vocabulary=32000,
        target_vocabulary=32000,
        embedding_size=1024,
        units=1024,
        attention_units=1024,
        readout_units=1024,
        readout_activation="tanh",
        tied=False,
        encoder_dropout=0.2,
        decoder_dropout=0.2,
        embedding_dropout=0.2,
        word_dropout=0.0,
        label_smoothing=0.1,
        learning_rate=1e-3,
        beta_2=0.999,
        clip=5.0,
        batch_size=128,
        length=32,
    ),
}
TINY = {
    "source_vocabulary": 50,
    "target_vocabulary": 60,
    "embedding_size": 16,
    "units": 24,
    "attention_units": 20,
    "readout_units": 16,
    "batch_size": 6,
    "length": 5,
    "greedy_batches": (3, 4),
    "greedy_steps": 7,
}


LANGUAGE_MODELS = {
    # The book's model of section 9.2.3, on the Penn Treebank.
    "book": LanguageModelConfiguration(10_000, 300),
    "large": LanguageModelConfiguration(4_000, 1024, batch_size=64),
}
TINY_LANGUAGE_MODEL = {"vocabulary": 50, "units": 16, "batch_size": 4, "length": 5}


def configuration(model, tiny=False, **changes):
    if model in LANGUAGE_MODELS:
        c, small = LANGUAGE_MODELS[model], TINY_LANGUAGE_MODEL
    else:
        c, small = MODELS[model], TINY
    return dataclasses.replace(c, **(small if tiny else {}) | changes)


def training_batch(c, padded=False):
    """Return source, target and labels, each `(batch, length)`; ids and labels of a text.

    Args:
        c: the configuration.
        padded: whether the sentences have different lengths, instead of no padding.
    """
    rng = np.random.default_rng(1)
    shape = c.batch_size, c.length
    if isinstance(c, LanguageModelConfiguration):
        return tuple(rng.integers(FIRST_WORD, c.vocabulary, (2, *shape)))
    source = rng.integers(FIRST_WORD, c.source_vocabulary, shape)
    target, labels = rng.integers(FIRST_WORD, c.target_vocabulary, (2, *shape))
    if padded:
        lengths = rng.integers(1, c.length + 1, (2, c.batch_size, 1))
        source_mask, target_mask = np.arange(c.length) < lengths
        source, target, labels = source * source_mask, target * target_mask, labels * target_mask
    return source, target, labels


def greedy_batch(c, rows):
    """Return source sentences, `(rows, length)`."""
    return np.random.default_rng(2).integers(FIRST_WORD, c.source_vocabulary, (rows, c.length))
