"""Floor 1: the encoder, the bridge, attention and the decoder, as Keras layers."""

from tf_seq2seq.layers.attention import Attention, BahdanauAttention, DotAttention
from tf_seq2seq.layers.bridge import Bridge
from tf_seq2seq.layers.decoder import Decoder, DecoderMemory, DecoderOutput, DecoderState
from tf_seq2seq.layers.encoder import Encoder, EncoderOutput

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
]
