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
    greedy_batches: tuple[int, ...] = (64, 128)
    greedy_steps: int = 32

    @property
    def memory_size(self):
        return self.units * (2 if self.bidirectional else 1)


MODELS = {
    # The preset `tuned` of chapters/beyond_3_multi30k.py, with sentences of the usual length.
    "multi30k": Configuration(
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


def configuration(model, tiny):
    return dataclasses.replace(MODELS[model], **(TINY if tiny else {}))


def training_batch(c):
    """Return source, target and labels, each `(batch, length)`, without padding."""
    rng = np.random.default_rng(1)
    shape = c.batch_size, c.length
    source = rng.integers(FIRST_WORD, c.source_vocabulary, shape)
    target, labels = rng.integers(FIRST_WORD, c.target_vocabulary, (2, *shape))
    return source, target, labels


def greedy_batch(c, rows):
    """Return source sentences, `(rows, length)`."""
    return np.random.default_rng(2).integers(FIRST_WORD, c.source_vocabulary, (rows, c.length))
