"""A learning rate that stays up for long."""

from __future__ import annotations

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class WarmupHoldCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Rises in a line, holds, and falls along half a cosine.

        warm-up:  peak t / warmup
        hold:     peak
        fall:     end + (peak - end) (1 + cos(pi p)) / 2,  p from 0 to 1 over the rest

    Args:
        peak: the greatest rate.
        steps: all steps of the training.
        warmup: the steps of the rise.
        hold: the share of all steps, those of the rise included, before the fall begins; 0 to 1.
        end: the rate at the end, as a share of `peak`.

    Raises:
        ValueError: if the steps do not suffice, or a share is out of its range.
    """

    def __init__(
        self, peak: float, steps: int, warmup: int = 0, hold: float = 0.0, end: float = 0.02
    ):
        super().__init__()
        if not 0 <= warmup <= steps or steps < 1:
            raise ValueError(f"Expected 0 <= warmup <= steps, got {warmup} and {steps}.")
        if not (0 <= hold <= 1 and 0 <= end <= 1):
            raise ValueError(f"Expected `hold` and `end` from 0 to 1, got {hold} and {end}.")
        self.peak, self.steps, self.warmup, self.hold, self.end = peak, steps, warmup, hold, end

    def __call__(self, step):
        step = ops.cast(step, "float32")
        held = max(self.warmup, self.hold * self.steps)
        fallen = ops.clip((step - held) / max(self.steps - held, 1), 0.0, 1.0)
        low = self.end * self.peak
        rate = low + (self.peak - low) * 0.5 * (1.0 + ops.cos(math.pi * fallen))
        return rate * ops.minimum(1.0, (step + 1.0) / max(self.warmup, 1))

    def get_config(self):
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup": self.warmup,
            "hold": self.hold,
            "end": self.end,
        }
