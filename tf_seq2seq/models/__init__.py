"""Floor 2: the models."""

from tf_seq2seq.models.seq2seq import Seq2Seq

__all__ = ["Seq2Seq"]
