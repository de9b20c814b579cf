# %% [markdown]
# Beyond the book, 5: several workers train one model.
#
# *Workers* are processes, usually on different hosts. In each step, worker w of W takes the rows
# w, w + W, w + 2 W, ... of a batch and computes the gradient of its words. The gradients are added
# up over all workers, and each updates its own copy of the weights with the sum:
#
#     g = 1/n sum_w sum_{i in rows of w} d loss_i / d theta        n: the words of the whole batch
#
# This is the gradient of the whole batch, so the number of workers changes the time, but not the
# result. To see that, we start workers on this host three times: one, which trains to the end; two,
# of which we kill one halfway; and one again, which continues from their last checkpoint. On a
# single host this is slower than one process, because the workers share its processors.
#
# On several hosts, run this file on each of them, with `TF_CONFIG` set; see
# [docs/distributed.md](../docs/distributed.md).

# %%
import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from common.settings import preset_setting, seed_setting, width_setting, with_folders
from tf_seq2seq.cli.settings import from_command_line, setting

IS_WORKER = "TF_CONFIG" in os.environ or "SLURM_STEP_NODELIST" in os.environ


@dataclasses.dataclass(frozen=True)
class Settings:
    """Train a translator with several workers, kill one of them, and continue without it."""

    preset: str = preset_setting()
    workers: int = setting(2, "number of workers to start on this host", least=2, most=64)
    pairs: int = setting(1000, "training pairs", least=100)
    epochs: int = setting(4, "passes over the training pairs", least=2)
    units: int = width_setting(64, "width of the layers")
    tokens: int = setting(1024, "size of a batch of all workers, in tokens", least=100)
    output_dir: Path = setting(Path("output/beyond_5"), "where checkpoints and the plot go")
    seed: int = seed_setting("seed for the corpus, the weights and the shuffling")
    resume: bool = setting(False, "continue from the last checkpoint, as a worker")

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        if IS_WORKER:
            yield "as one of the workers that TF_CONFIG or Slurm describes", ("workers",)
        else:
            yield "without TF_CONFIG or Slurm, which describe the workers", ("resume",)


PRESETS = {"quick": {}, "long": {"pairs": 6000, "epochs": 6, "units": 256, "tokens": 4096}}
settings = from_command_line(Settings, presets=with_folders("output/beyond_5", PRESETS))

# %%
import json
import sys
import time

import keras
import numpy as np

import tf_seq2seq as s2s
from common.plots import show
from common.workers import CHAPTERS, LocalWorkers

# %% [markdown]
# ## What each worker does
# It is the program of any chapter, with two differences: the strategy, and the batches, of which a
# worker gathers only its own rows. `fit` does the rest. Only the first worker, the chief, writes
# checkpoints and shows the progress.


# %%
def train_as_worker():
    strategy = s2s.training.strategy("multi_worker")
    workers = s2s.training.Workers(strategy)
    print(s2s.training.describe_strategy(strategy), flush=True)
    keras.utils.set_random_seed(settings.seed)
    corpus = s2s.data.synthetic_corpus(settings.seed, train=settings.pairs)
    source, target = (
        s2s.text.tokenizer_for(side) for side in (corpus.train.source, corpus.train.target)
    )
    source.adapt(corpus.train.source)
    target.adapt(corpus.train.target)
    train = s2s.data.batches(
        corpus.train,
        source,
        target,
        tokens=settings.tokens,
        shuffle_seed=settings.seed,
        num_shards=workers.count,
        shard_index=workers.index,
    )
    with strategy.scope():
        model = s2s.Seq2Seq(
            s2s.Encoder(source.vocabulary_size, settings.units, bidirectional=True),
            s2s.Decoder(
                target.vocabulary_size,
                settings.units,
                attention=s2s.BahdanauAttention(settings.units),
            ),
        )
        # The workers exchange the metrics whenever the host reads them: every five steps.
        model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0), steps_per_execution=5)
    history = s2s.training.fit(
        model,
        train,
        s2s.data.batches(corpus.dev, source, target),
        epochs=settings.epochs,
        directory=settings.output_dir / "checkpoint",
        resume=settings.resume,
        checkpoint_every=5,
    )
    if workers.is_chief:
        (settings.output_dir / "losses.json").write_text(json.dumps(history.step_losses))


if IS_WORKER:
    train_as_worker()
    sys.exit(0)

# %% [markdown]
# ## One worker
# The losses of its steps are what the other runs must repeat.


# %%
def start(count, folder, resume=False):
    """Start workers that train in a folder of the output."""
    names = ("pairs", "epochs", "units", "tokens", "seed")
    options = {name: getattr(settings, name) for name in names}
    options |= {"output_dir": settings.output_dir / folder, "resume": resume}
    return LocalWorkers([CHAPTERS / "beyond_5_distributed.py"], count, options)


def losses(folder):
    return np.array(json.loads((settings.output_dir / folder / "losses.json").read_text()))


print("\nOne worker trains to the end.")
with start(1, "one") as workers:
    workers.succeed()

# %% [markdown]
# ## A lost worker
# After half of the epochs, we kill the last worker. The others cannot continue without its rows:
# they notice this within seconds and stop with an error message. Their last checkpoint remains.

# %%
print(f"\n{settings.workers} workers train, until one of them is killed.")
checkpoint = s2s.training.Checkpoint(settings.output_dir / "several" / "checkpoint")
checkpoint.clear()


def is_halfway():
    last = checkpoint.folders[-1:]  # such as epoch-2-step-5
    return bool(last) and int(last[0].name.split("-")[1]) >= settings.epochs // 2


with start(settings.workers, "several") as workers:
    while workers.running and not is_halfway():
        time.sleep(0.1)
    workers.kill(settings.workers - 1)
    workers.wait()
if not checkpoint.folders:
    sys.exit("The workers have ended before their first checkpoint; see the messages above.")
stopped = checkpoint.load().progress
after = len(stopped["step_losses"])
print(f"The last checkpoint is {checkpoint.folders[-1].name}, after {after} steps.")

# %% [markdown]
# ## With another number of workers
# A checkpoint has the weights and the position in the data, and neither depends on the workers.

# %%
print("\nOne worker continues from the checkpoint.")
with start(1, "several", resume=True) as workers:
    workers.succeed()

# %% [markdown]
# ## The same losses
# They differ only by the rounding of float32 sums, whose order depends on the number of workers.

# %%
one, several = losses("one"), losses("several")
difference = np.abs(one - several).max()
print(f"\nSteps:                            {len(one)}")
print(f"Loss of the first and last step:  {one[0]:.4f}, {one[-1]:.4f}")
print(f"Greatest difference in any step:  {difference:.1e}")

dots, label = dict(enumerate(several)), f"{settings.workers} workers, then 1"
figure = s2s.plotting.step_losses({"1 worker": one}, dots, label, window=1)
show(figure, settings.output_dir / "losses.png")
if difference > 1e-3:
    sys.exit(f"The losses differ by {difference:.1e}, which is more than rounding.")

# %% [markdown]
# ## What to observe
# The losses of one worker, and of two of which one was killed, differ by less than 1e-3 in every
# step, and only by rounding: each step sees the same words, whoever computes their gradients.
#
# ## Exercises
# 1. A batch of 10 rows is trained by 4 workers. Which rows does each of them take?
# 2. Show that the mean of the workers' mean losses is not the mean over all words, if their
#    sentences differ in length.
# 3. Add 10,000 numbers as one worker and as four would. How much do the sums differ, relative to
#    the sum, in float32 and in float16?
#
# Solutions: [`solutions/beyond_5.py`](solutions/beyond_5.py), which
# `python chapters/solutions beyond_5` runs.
