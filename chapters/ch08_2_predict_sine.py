# %% [markdown]
# 8-2 预测正弦函数: an LSTM predicts the sine, each value from the ten before it.
#
#     sin(t - 10 d), ..., sin(t - d)  ->  sin(t)        d = 0.01
#
# As printed in the book, a window has the shape (1, 10), one time step with ten features, and the
# network never recurs: `--form printed`. The text describes ten time steps with one feature each,
# (10, 1): `--form intended`.

# %%
import dataclasses
from pathlib import Path

from common.settings import preset_setting, seed_setting, strategy_setting, with_folders
from tf_seq2seq.cli.settings import from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings:
    """Learn to predict the sine, and plot the prediction with the true values."""

    preset: str = preset_setting()
    form: str = setting(
        "printed",
        "a window is one step of ten values, as printed in the book, or ten steps of one value",
        choices=("printed", "intended"),
    )
    steps: int = setting(4000, "training steps", least=1)
    output_dir: Path = setting(Path("output/ch08_2"), "where the plot goes")
    strategy: str = strategy_setting(one_host=True)
    seed: int = seed_setting()


BOOK_STEPS = 10_000
PRESETS = {"quick": {}, "book": {"steps": BOOK_STEPS}}
settings = from_command_line(Settings, presets=with_folders("output/ch08_2", PRESETS))

# %%
import keras
import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s
from common.plots import show
from common.run import start

run, settings = start(settings)

# %% [markdown]
# ## Windows
# 10,000 windows to train on, and 1,000 from the stretch that follows to test on.

# %%
TIME_STEPS, GAP = 10, 0.01
TRAIN_WINDOWS, TEST_WINDOWS = 10_000, 1_000


def windows(start, stop, count):
    """Return the times of the values to predict, `count` windows, and the values."""
    t = np.linspace(start, stop, count + TIME_STEPS, dtype="float32")
    values = np.lib.stride_tricks.sliding_window_view(np.sin(t), TIME_STEPS + 1)
    shape = (count, 1, TIME_STEPS) if settings.form == "printed" else (count, TIME_STEPS, 1)
    return t[TIME_STEPS:], values[:, :-1].reshape(shape), values[:, -1:]


test_start = (TRAIN_WINDOWS + TIME_STEPS) * GAP
test_stop = test_start + (TEST_WINDOWS + TIME_STEPS) * GAP
_, train_x, train_y = windows(0, test_start, TRAIN_WINDOWS)
test_t, test_x, test_y = windows(test_start, test_stop, TEST_WINDOWS)
print(f"Each window has the shape {test_x.shape[1:]}: (time steps, features)")

# %% [markdown]
# ## The network
# Two stacked LSTMs, and a linear layer on the last output of the upper one.

# %%
with run.strategy.scope():
    network = keras.Sequential(
        [keras.layers.LSTM(30, return_sequences=True), keras.layers.LSTM(30), keras.layers.Dense(1)]
    )
    network.compile(
        keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.1),
        loss="mean_squared_error",
        steps_per_execution=100,  # The steps are small: a hundred of them per call.
    )


def rmse(predicted):
    """Return the root mean squared error over the test windows."""
    return np.sqrt(np.mean((predicted - test_y) ** 2))


def predict():
    return network.predict(test_x, batch_size=TEST_WINDOWS, verbose=0)


# %%
before = rmse(predict())
batches = tf.data.Dataset.from_tensor_slices((train_x, train_y)).repeat()
batches = batches.shuffle(1000, seed=settings.seed).batch(32).take(settings.steps)
network.fit(batches, shuffle=False, verbose=2)
predicted = predict()

# %% [markdown]
# ## Results
# The book's figures are for 10,000 steps of the printed form. Repeating the last value of the
# window is a prediction too: a model with a larger error has learned little.
#
# The printed form does well because it has nothing to remember. The sine is a weighted sum of its
# last two values, and both are in the window:
#
#     sin(t) = 2 cos(d) sin(t - d) - sin(t - 2 d)
#
# The intended form also has to learn how to carry values from step to step. After the same 10,000
# steps its error is two to four times as large.

# %%
if settings.steps < BOOK_STEPS:
    print(
        f"Only {settings.steps:,} of the book's {BOOK_STEPS:,} steps: not comparable with the book."
    )
if settings.form == "intended":
    print("The book's figures are those of the printed form: not comparable with this one.")
print(f"RMSE                        {'here':>9}  in the book")
print(f"before training             {before:9.6f}     0.691588")
print(f"after {settings.steps:>6,} steps          {rmse(predicted):9.6f}     0.002070")
print(f"repeating the last value    {rmse(test_x.reshape(-1, TIME_STEPS)[:, -1:]):9.6f}")

plot = settings.output_dir / f"prediction_{settings.form}.png"
title = f"sin(t), {settings.form} form"
show(s2s.plotting.prediction(test_t, test_y[:, 0], predicted[:, 0], title=title), plot)

# %% [markdown]
# ## What to observe
# The untrained network predicts values near 0, so that its error is that of 0: about 0.7, as the
# mean square of a sine is 1/2. After 10,000 steps the error is 0.002, less than a third of what
# repeating the last value gives, 0.0073; after the 4,000 steps of the preset `quick`, it is 0.004
# to 0.005.
#
# ## Exercises
# 1. Sample the sine ten times as coarsely, d = 0.1. How much larger is the error of repeating the
#    last value?
# 2. Predict the sine without a network: find the weights of the last two values by least squares.
# 3. Let the network continue the sine alone, with each prediction fed back as the newest value of
#    the window. After how many steps is it off by more than 0.1? And the rule of exercise 2?
#
# Solutions: [`solutions/ch08_2.py`](solutions/ch08_2.py), which `python chapters/solutions ch08_2`
# runs.
