"""Train small models on one worker of several, or alone: python worker.py --help"""

import dataclasses
import json
import os
import signal
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from distributed_models import MODELS, TINY

from tf_seq2seq import InputError, training
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.training.checkpoint import model_variables
from tf_seq2seq.training.distribution import STRATEGIES


@dataclasses.dataclass(frozen=True)
class Settings:
    """Train small models."""

    models: str = setting("language model", "comma-separated names of models")
    strategy: str = setting("default", "how to train", choices=STRATEGIES)
    epochs: int = setting(2, "passes over the data", least=0)
    fails: int = setting(-1, "index of a worker that fails in its third step", least=-1)
    pause: float = setting(0.0, "seconds to wait after each step", least=0)
    output_dir: Path = setting(Path("output"), "where the checkpoints and the results go")
    lost: str = setting("", "when worker 1 dies", choices=("", "building", "reading"))
    other_data: bool = setting(False, "train worker 1 with other data of the same length")
    shares: bool = setting(False, "give each worker the batches of its own rows")
    resume: bool = setting(False, "continue from the last checkpoint")
    checkpoint_every: int = setting(2, "steps between checkpoints", least=1)


class Pause(keras.callbacks.Callback):
    def __init__(self, seconds, fails):
        super().__init__()
        self.seconds = seconds
        self.fails = fails

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(self.seconds)
        print(f"batch {batch}", flush=True)
        if batch == 2 and self.fails:
            raise InputError("This worker fails.")


def rows_of(workers, batches):
    """Return batches of the rows that a worker has of each batch."""

    def share(*batch):
        return tf.nest.map_structure(lambda part: part[workers.index :: workers.count], batch)

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    steps = batches.cardinality()
    return (
        batches.map(share)
        .apply(tf.data.experimental.assert_cardinality(steps))
        .with_options(options)
    )


def main():
    settings = from_command_line(Settings)
    strategy = training.strategy(settings.strategy)
    workers = training.Workers(strategy)
    print(training.describe_strategy(strategy), flush=True)
    folder = settings.output_dir / f"worker_{workers.index}"
    folder.mkdir(parents=True, exist_ok=True)
    if settings.lost and workers.index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if settings.lost == "reading":
        workers.broadcast(b"")
    for name in settings.models.split(","):
        keras.utils.set_random_seed(3)
        with strategy.scope():
            model, batches = (MODELS | TINY)[name]()
        if settings.other_data and workers.index == 1:
            batches = batches.map(lambda inputs, labels: (inputs, tf.maximum(labels - 1, 0)))
        # Each worker evaluates all texts of a language model.
        dev = batches
        if settings.shares:
            batches = rows_of(workers, batches)
            dev = dev if name == "language model" else batches
        history = training.fit(
            model,
            batches,
            dev,
            epochs=settings.epochs,
            directory=folder / "checkpoint" / name,
            resume=settings.resume,
            checkpoint_every=settings.checkpoint_every,
            callbacks=[Pause(settings.pause, fails=settings.fails == workers.index)],
        )
        result = {"step_losses": history.step_losses, "history": history.history}
        (folder / f"{name}.json").write_text(json.dumps(result))
        weights = {key: variable.numpy() for key, variable in model_variables(model).items()}
        np.savez(folder / f"{name}.npz", **weights)


if __name__ == "__main__":
    main()
