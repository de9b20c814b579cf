"""Learning-rate schedules."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from tf_seq2seq.checks import check_integer, check_number


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class WarmupHoldCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Raise the learning rate linearly, hold it, and lower it along half a cosine.

        warm-up:  peak (start + (1 - start) t / warmup),        t = 0 ... warmup - 1
        hold:     peak
        decay:    peak (end + (1 - end) (1 + cos(pi p)) / 2),   p from 0 to 1

    The decay takes the steps left after warm-up and hold; after `steps` the rate stays at
    `end * peak`. With the defaults for `start`, `hold` and `end` this is the schedule of
    `keras.optimizers.schedules.CosineDecay` with a warm-up from 0.

    Args:
        peak: the highest rate, greater than 0.
        steps: number of training steps, at least 1.
        warmup: number of steps of the warm-up, at most `steps`.
        hold: share of all steps, including those of the warm-up, after which the decay begins,
            in [0, 1]. The decay never begins before the warm-up ends.
        start: rate of the first step, as a share of `peak`, in [0, 1].
        end: rate of the last step, as a share of `peak`, in [0, 1].

    Raises:
        InputError: if an argument is out of range.

    Example:

    >>> rate = WarmupHoldCosine(0.1, steps=100, warmup=10, hold=0.5)
    >>> [round(float(rate(step)), 3) for step in (0, 5, 10, 50, 75, 100)]
    [0.0, 0.05, 0.1, 0.1, 0.05, 0.0]

    Source: the cosine is from Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with
    Warm Restarts".
    """

    def __init__(
        self,
        peak: float,
        steps: int,
        warmup: int = 0,
        hold: float = 0.0,
        start: float = 0.0,
        end: float = 0.0,
    ):
        super().__init__()
        self.peak = check_number("peak", peak, above=0)
        self.steps = check_integer("steps", steps, minimum=1)
        self.warmup = check_integer("warmup", warmup, minimum=0, maximum=self.steps)
        self.hold = check_number("hold", hold, minimum=0, maximum=1)
        self.start = check_number("start", start, minimum=0, maximum=1)
        self.end = check_number("end", end, minimum=0, maximum=1)

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        held = max(self.warmup, self.hold * self.steps)
        fallen = ops.clip((step - held) / max(self.steps - held, 1), 0.0, 1.0)
        low = self.end * self.peak
        rate = low + (self.peak - low) * 0.5 * (1.0 + ops.cos(math.pi * fallen))
        risen = ops.minimum(1.0, step / self.warmup) if self.warmup else 1.0
        return rate * (self.start + (1.0 - self.start) * risen)

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup": self.warmup,
            "hold": self.hold,
            "start": self.start,
            "end": self.end,
        }
