"""Keras layers: the encoder, the bridge, attention, the decoder and their parts.

Read `cells.py` for the equations of the recurrences, `attention.py` for those of the scores,
`steps.py` for those of a decoder step, and `reference.py` for all of it as two plain loops.
"""

from tf_seq2seq.layers.attention import Attention, BahdanauAttention, DotAttention
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
