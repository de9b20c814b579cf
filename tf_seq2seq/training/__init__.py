"""Training on one device or several, with checkpoints and exact resume."""

from tf_seq2seq.errors import Interrupted
from tf_seq2seq.training.adam import FusedAdam
from tf_seq2seq.training.averaging import AverageWeights
from tf_seq2seq.training.checkpoint import Checkpoint
from tf_seq2seq.training.distribution import describe_strategy, strategy
from tf_seq2seq.training.identity import fingerprint
from tf_seq2seq.training.initializers import draw_glorot_uniform, draw_uniform
from tf_seq2seq.training.loop import evaluate, fit, gradient_norm
from tf_seq2seq.training.run import History
from tf_seq2seq.training.schedules import WarmupHoldCosine
from tf_seq2seq.training.workers import Workers

__all__ = [
    "AverageWeights",
    "Checkpoint",
    "FusedAdam",
    "History",
    "Interrupted",
    "WarmupHoldCosine",
    "Workers",
    "describe_strategy",
    "draw_glorot_uniform",
    "draw_uniform",
    "evaluate",
    "fingerprint",
    "fit",
    "gradient_norm",
    "strategy",
]
