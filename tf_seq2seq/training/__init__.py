"""Training on one device or several, with checkpoints and exact resume."""

from tf_seq2seq.errors import Interrupted
from tf_seq2seq.training.checkpoint import Checkpoint
from tf_seq2seq.training.distribution import strategy
from tf_seq2seq.training.identity import fingerprint
from tf_seq2seq.training.initializers import draw_glorot_uniform, draw_uniform
from tf_seq2seq.training.loop import evaluate, fit, gradient_norm
from tf_seq2seq.training.run import History
from tf_seq2seq.training.schedules import WarmupHoldCosine

__all__ = [
    "Checkpoint",
    "History",
    "Interrupted",
    "WarmupHoldCosine",
    "draw_glorot_uniform",
    "draw_uniform",
    "evaluate",
    "fingerprint",
    "fit",
    "gradient_norm",
    "strategy",
]
