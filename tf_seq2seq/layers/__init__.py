"""Keras layers: the encoder, the bridge, attention, the decoder and their parts.

The equations of the recurrences are in `cells.py`, those of the scores in `attention.py` and those
of the decoder steps in `steps.py`. `reference.py` has all of them as two plain loops.
"""

from tf_seq2seq.layers.attention import Attention, BahdanauAttention, DotAttention
from tf_seq2seq.layers.backend import check_backend
from tf_seq2seq.layers.bridge import Bridge
from tf_seq2seq.layers.decoder import Decoder, DecoderOutput
from tf_seq2seq.layers.encoder import Encoder, EncoderOutput
from tf_seq2seq.layers.readout import Readout
from tf_seq2seq.layers.steps import DecoderMemory, DecoderState
from tf_seq2seq.layers.words import Words

__all__ = [
    "Attention",
    "BahdanauAttention",
    "Bridge",
    "Decoder",
    "DecoderMemory",
    "DecoderOutput",
    "DecoderState",
    "DotAttention",
    "Encoder",
    "EncoderOutput",
    "Readout",
    "Words",
]

check_backend()
