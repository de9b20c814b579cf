"""Recurrent sequence-to-sequence models with attention for TensorFlow 2 and Keras 3.

Data flows in one direction: text -> ids -> batches -> encoder -> decoder -> search -> text.
"""

import importlib.util

from tf_seq2seq.errors import InputError
from tf_seq2seq.translation import Translation

__version__ = "0.2.0"

if importlib.util.find_spec("tensorflow") is None:
    # The client, `tf_seq2seq.serving.client`, works without TensorFlow.
    __all__ = ["InputError", "Translation", "__version__"]
else:
    from tf_seq2seq import data, evaluation, plotting, search, serving, text, training
    from tf_seq2seq.layers import (
        Attention,
        BahdanauAttention,
        Bridge,
        Decoder,
        DotAttention,
        Encoder,
    )
    from tf_seq2seq.losses import SequenceCrossEntropy
    from tf_seq2seq.metrics import Perplexity, TokenAccuracy
    from tf_seq2seq.models import Ensemble, LanguageModel, Seq2Seq
    from tf_seq2seq.search import SearchOptions
    from tf_seq2seq.text_model import TextModel, TextScore
    from tf_seq2seq.translator import Translator

    __all__ = [
        "Attention",
        "BahdanauAttention",
        "Bridge",
        "Decoder",
        "DotAttention",
        "Encoder",
        "Ensemble",
        "InputError",
        "LanguageModel",
        "Perplexity",
        "SearchOptions",
        "Seq2Seq",
        "SequenceCrossEntropy",
        "TextModel",
        "TextScore",
        "TokenAccuracy",
        "Translation",
        "Translator",
        "__version__",
        "data",
        "evaluation",
        "plotting",
        "search",
        "serving",
        "text",
        "training",
    ]
