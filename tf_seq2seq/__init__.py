"""Recurrent sequence-to-sequence models with attention for TensorFlow 2 and Keras 3.

Data flows in one direction: text -> ids -> batches -> encoder -> decoder -> search -> text.

A name is imported when it is first used, because the client, `tf_seq2seq.serving.client`, works
without TensorFlow.
"""

import sys
from typing import TYPE_CHECKING

from tf_seq2seq.errors import InputError
from tf_seq2seq.lazy import after_import, lazy_names
from tf_seq2seq.translation import Translation

if TYPE_CHECKING:
    from tf_seq2seq import data, evaluation, plotting, search, serving, text, training
    from tf_seq2seq.layers import (
        Attention,
        BahdanauAttention,
        Bridge,
        Decoder,
        DotAttention,
        Encoder,
    )
    from tf_seq2seq.long_work import translate_in_parts
    from tf_seq2seq.losses import SequenceCrossEntropy
    from tf_seq2seq.metrics import Perplexity, TokenAccuracy
    from tf_seq2seq.models import Ensemble, LanguageModel, Seq2Seq
    from tf_seq2seq.search import SearchOptions
    from tf_seq2seq.text_model import TextModel, TextScore
    from tf_seq2seq.translator import Translator
else:
    _find = lazy_names(
        __name__,
        {
            "Attention": "layers",
            "BahdanauAttention": "layers",
            "Bridge": "layers",
            "Decoder": "layers",
            "DotAttention": "layers",
            "Encoder": "layers",
            "Ensemble": "models",
            "LanguageModel": "models",
            "Perplexity": "metrics",
            "SearchOptions": "search",
            "Seq2Seq": "models",
            "SequenceCrossEntropy": "losses",
            "TextModel": "text_model",
            "TextScore": "text_model",
            "TokenAccuracy": "metrics",
            "Translator": "translator",
            "translate_in_parts": "long_work",
        },
    )

    def __getattr__(name):
        found = _find(name)
        _register()  # if finding it has imported Keras
        return found


__version__ = "0.2.0"

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
    "translate_in_parts",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _register(other: str = "") -> None:
    """Import the classes that `keras.saving.load_model` finds by name, if Keras is imported.

    Nothing happens while this package, or the package `other`, is being imported.
    """
    keras, ours = sys.modules.get("keras"), f"{__name__}."
    unfinished = [name for name, module in [*sys.modules.items()] if _is_being_imported(module)]
    if keras is None or other in unfinished or any(name.startswith(ours) for name in unfinished):
        return
    if keras.config.backend() == "tensorflow":
        from tf_seq2seq import models, training  # noqa: F401


def _is_being_imported(module: object) -> bool:
    return getattr(getattr(module, "__spec__", None), "_initializing", False)


if "keras" in sys.modules:
    _register()
else:
    # TensorFlow and Keras import each other: act when the one that was imported first is complete.
    after_import("keras", lambda: _register(other="tensorflow"))
    after_import("tensorflow", lambda: _register(other="keras"))
