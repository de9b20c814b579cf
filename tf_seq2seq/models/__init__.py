"""Keras models made of the layers, and protocols for other models."""

from tf_seq2seq.models.base import SequenceModel
from tf_seq2seq.models.ensemble import Ensemble
from tf_seq2seq.models.language_model import LanguageModel, LanguageModelOutput
from tf_seq2seq.models.pretrained import set_embeddings
from tf_seq2seq.models.protocol import TextGenerator, TranslationModel
from tf_seq2seq.models.seq2seq import Seq2Seq
from tf_seq2seq.models.vocabulary_change import VocabularyChange

__all__ = [
    "Ensemble",
    "LanguageModel",
    "LanguageModelOutput",
    "Seq2Seq",
    "SequenceModel",
    "TextGenerator",
    "TranslationModel",
    "VocabularyChange",
    "set_embeddings",
]
