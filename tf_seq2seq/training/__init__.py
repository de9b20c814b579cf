"""Floor 3: how a model is fitted: on one device or many, watched, interrupted and resumed."""

from tf_seq2seq.training.checkpoint import Checkpoint
from tf_seq2seq.training.distribution import strategy
from tf_seq2seq.training.initializers import draw_glorot_uniform, draw_uniform
from tf_seq2seq.training.loop import History, evaluate, fit, gradient_norm
from tf_seq2seq.training.schedules import WarmupHoldCosine

__all__ = [
    "Checkpoint",
    "History",
    "WarmupHoldCosine",
    "draw_glorot_uniform",
    "draw_uniform",
    "evaluate",
    "fit",
    "gradient_norm",
    "strategy",
]
