"""The tuned system of the third chapter beyond the book, which the seventh distills."""

from __future__ import annotations

import tf_seq2seq as s2s


def build(
    source_size: int, target_size: int, units: int, embedding_size: int, dropout: float
) -> s2s.Seq2Seq:
    """Return a bidirectional GRU with additive attention and tied embeddings.

    Args:
        source_size, target_size: the sizes of the vocabularies.
        units: width of the states.
        embedding_size: width of the embeddings and of the readout.
        dropout: factor applied to the dropout rates, 0 to 1.
    """
    shared = {
        "embedding_size": embedding_size,
        "embedding_dropout": 0.3 * dropout,
        "word_dropout": 0.1 * dropout,
    }
    return s2s.Seq2Seq(
        s2s.Encoder(source_size, units, bidirectional=True, dropout=0.2 * dropout, **shared),
        s2s.Decoder(
            target_size,
            units,
            attention=s2s.BahdanauAttention(units // 2),
            query="previous_state",
            readout_activation=None,
            tie_embeddings=True,
            dropout=0.4 * dropout,
            **shared,
        ),
    )


def compile_(model: s2s.Seq2Seq, learning_rate: float, steps: int) -> None:
    """Compile the model with smoothed labels, and a rate that is held and then decays.

    Args:
        model: from `build`.
        learning_rate: the peak learning rate.
        steps: the number of steps of the training.
    """
    warmup = max(min(300, steps // 10), 1)
    rate = s2s.training.WarmupHoldCosine(
        learning_rate, steps, warmup=warmup - 1, hold=0.4, start=1 / warmup, end=0.02
    )
    model.compile(
        s2s.training.FusedAdam(rate, beta_2=0.98, global_clipnorm=1.0),
        s2s.SequenceCrossEntropy(label_smoothing=0.1),
    )
