"""Measure what checkpoints cost: python benchmarks/checkpoints.py

Each model trains with a checkpoint after every few steps. The share of training time at longer
intervals follows from the medians of the times of a step and of a checkpoint. With
`checkpoint_every="auto"`, an interval is at least a minute. On a busy machine the processor times
are more stable; they do not include the wait for the disk.
"""

import dataclasses
import os
import platform
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.training.run import SECONDS_BETWEEN_CHECKPOINTS, SHARE_OF_CHECKPOINTS


@dataclasses.dataclass(frozen=True)
class Settings:
    """Measure what checkpoints cost in training."""

    checkpoints: int = setting(5, "number of checkpoints of each model", least=1)
    steps: int = setting(4, "steps between two checkpoints", least=2)
    precision: str = setting(
        "float32", "precision of matrix products", choices=("float32", "mixed_bfloat16")
    )


def translator():
    """Return a model of Multi30k's size, and a batch."""
    rng = np.random.default_rng(1)
    source, target, labels = rng.integers(4, 5898, (3, 128, 16))
    decoder = s2s.Decoder(5898, 512, embedding_size=256, attention=s2s.BahdanauAttention(512))
    encoder = s2s.Encoder(7882, 512, embedding_size=256, bidirectional=True)
    return s2s.Seq2Seq(encoder, decoder), ({"source": source, "target": target}, labels)


def language_model():
    """Return the book's model of the Penn Treebank, and a batch."""
    batch = np.random.default_rng(1).integers(4, 10_000, (2, 20, 35))
    return s2s.LanguageModel(10_000, 300, num_layers=2), tuple(batch)


def times():
    """Return the time, and the processor time of this process, in seconds."""
    return np.array([time.perf_counter(), time.process_time()])


class Clock(keras.callbacks.Callback):
    """Keeps the times of the steps, and of what is between them."""

    def __init__(self):
        super().__init__()
        self.steps, self.between = [], []
        self.last = None

    def on_train_batch_begin(self, batch, logs=None):
        now = times()
        if self.last is not None:
            self.between.append(now - self.last)
        self.last = now

    def on_train_batch_end(self, batch, logs=None):
        now = times()
        self.steps.append(now - self.last)
        self.last = now


def measure(name, model, batch, optimizer, interval, settings):
    """Train, and print the share of the checkpoints."""
    model.compile(optimizer, jit_compile=False)
    steps = settings.steps * (settings.checkpoints + 1)
    clock = Clock()
    with tempfile.TemporaryDirectory() as directory:
        s2s.training.fit(
            model,
            tf.data.Dataset.from_tensors(batch).repeat(steps),
            epochs=1,
            directory=directory,
            checkpoint_every=settings.steps,
            callbacks=[clock],
        )
        size = s2s.training.Checkpoint(directory).size() / 2**20
    step = np.median(clock.steps[1:], axis=0)
    checkpoint = np.median(clock.between[settings.steps - 1 :: settings.steps], axis=0)
    auto = checkpoint[0] / max(SECONDS_BETWEEN_CHECKPOINTS, checkpoint[0] / SHARE_OF_CHECKPOINTS)
    share, processor_share = checkpoint / (interval * step + checkpoint)
    print(
        f"\n{name}: {model.count_params():,} parameters, {step[0]:.3f} s per step, "
        f"{checkpoint[0]:.2f} s per checkpoint of {size:,.0f} MiB: {share:.1%} of training time "
        f"({processor_share:.1%} of processor time) at one every {interval} steps, and {auto:.1%} "
        "with auto"
    )


def main():
    settings = from_command_line(Settings)
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    print(f"{', '.join(gpus) or f'{os.cpu_count()} CPU cores'}, TensorFlow {tf.__version__}")
    print(f"on {platform.platform()}")
    keras.config.set_dtype_policy(settings.precision)
    measure(
        "Multi30k", *translator(), keras.optimizers.Adam(0.001, global_clipnorm=1.0), 200, settings
    )
    measure(
        "Penn Treebank",
        *language_model(),
        keras.optimizers.SGD(1.0, global_clipnorm=5.0),
        500,
        settings,
    )


if __name__ == "__main__":
    main()
