"""Scores, reports, comparisons, accuracy by position and word alignment."""

from tf_seq2seq.evaluation.by_position import accuracy_by_position
from tf_seq2seq.evaluation.comparison import Comparison, paired_bootstrap
from tf_seq2seq.evaluation.neural_cache import NeuralCache
from tf_seq2seq.evaluation.report import ReportTable, TranslationReport, translation_report
from tf_seq2seq.evaluation.scores import (
    Score,
    ScoreTable,
    bleu,
    bleu_by_length,
    bleu_of_sets,
    chrf,
    corpus_perplexity,
    exact_match,
)
from tf_seq2seq.evaluation.tokenizers import (
    BleuTokenizer,
    bleu_metric,
    bleu_tokenizer,
    tokenize_for,
)
from tf_seq2seq.evaluation.word_alignment import WordAligner

__all__ = [
    "BleuTokenizer",
    "Comparison",
    "NeuralCache",
    "ReportTable",
    "Score",
    "ScoreTable",
    "TranslationReport",
    "WordAligner",
    "accuracy_by_position",
    "bleu",
    "bleu_by_length",
    "bleu_metric",
    "bleu_of_sets",
    "bleu_tokenizer",
    "chrf",
    "corpus_perplexity",
    "exact_match",
    "paired_bootstrap",
    "tokenize_for",
    "translation_report",
]
