# %% [markdown]
# 9-4 PTB 语言模型: a language model of the Penn Treebank.
#
# A language model gives a text its probability, word by word:
#
#     P(w_1 ... w_n) = P(w_1) P(w_2 | w_1) ... P(w_n | w_1 ... w_{n-1})
#
# It is measured by its perplexity, exp(-1/n log P): a model of perplexity 100 is as unsure about
# the next word as if it had 100 equally good ones to choose from.
#
#     --preset quick    a small text that the package writes itself, offline
#     --preset book     the book's model on the Penn Treebank
#     --preset tuned    the same model a little wider, with more dropout, and a learning rate that
#                       goes down to zero

# %%
import dataclasses
import time
from pathlib import Path

import keras

import tf_seq2seq as s2s
from common.settings import TrainingSettings
from tf_seq2seq.cli.settings import from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings(TrainingSettings):
    """Train a language model, measure its perplexity, let it write, and export it."""

    output_dir: Path = setting(Path("output/ch09_4"), "where checkpoints and pictures go")
    preset: str = setting("quick", "which set of defaults")
    units: int = setting(100, "width of the embedding and of each LSTM", least=1)
    num_layers: int = setting(2, "how many LSTMs are stacked", least=1)
    dropout: float = setting(0.1, "rate of dropout on embeddings and outputs", least=0, most=0.9)
    initial_range: float = setting(0.05, "matrices start uniform between + and - this", least=0)
    batch_size: int = setting(20, "rows of a batch, over all replicas", least=1)
    length: int = setting(20, "words through which the gradient flows back", least=1)
    epochs: int = setting(4, "passes over the text", least=1)
    learning_rate: float = setting(1.0, "of gradient descent, at its highest", least=0)
    schedule: str = setting("constant", "of the learning rate", choices=("constant", "cosine"))
    clip: float = setting(5.0, "greatest norm of a gradient", least=0)
    precision: str = setting(
        "float32", "of the matrix products in training", choices=("float32", "mixed_bfloat16")
    )


PRESETS = {
    "quick": {},
    "book": {"units": 300, "length": 35, "epochs": 5},
    "tuned": {
        "units": 450,
        "length": 35,
        "epochs": 9,
        "dropout": 0.3,
        "learning_rate": 1.2,
        "schedule": "cosine",
        "precision": "mixed_bfloat16",
    },
}
BOOK = {  # what the book prints, perplexity per epoch
    "perplexity": (376.035, 147.339, 107.988, 88.859, 77.541),
    "val_perplexity": (191.894, 138.610, 118.488, 112.674, 108.727),
    "test": 104.901,
}

settings = from_command_line(Settings, presets=PRESETS)
strategy = s2s.training.strategy(settings.strategy)
keras.utils.set_random_seed(settings.seed)
settings.output_dir.mkdir(parents=True, exist_ok=True)
started = time.monotonic()

# %% [markdown]
# ## One long stream of words
# The text becomes one stream of ids, `<eos>` at the end of each line. It is cut into `batch_size`
# pieces, one under the other, and these into batches of `length` columns: row i of a batch goes
# on where row i of the batch before ended. So the state is carried over, while the gradient stops
# at the border: truncated back-propagation through time.

# %%
if settings.preset == "quick":
    text = s2s.data.synthetic_text()
else:
    text = s2s.data.public_text("ptb", settings.data_dir)
tokenizer = s2s.text.WordTokenizer(split_punctuation=False)
tokenizer.adapt(text.train)
train_ids, dev_ids, test_ids = (s2s.data.encode_text(part, tokenizer) for part in text)
print(f"{len(train_ids)} / {len(dev_ids)} / {len(test_ids)} ids, ", end="")
print(f"{tokenizer.vocabulary_size} different ones (<pad>, <sos> among them)")
train = s2s.data.text_batches(train_ids, settings.batch_size, settings.length)
# Measured in a single row, each word is predicted from all that stands before it.
dev = s2s.data.text_batches(dev_ids, length=1000)
test = s2s.data.text_batches(test_ids, length=1000)

# %% [markdown]
# ## The model
#     x_t        = E w_t
#     h_t, c_t   = LSTM(x_t, h_{t-1}, c_{t-1}), one layer on top of the other
#     P(w_{t+1}) = softmax(E h_t + b)
#
# One matrix E serves at both ends. The loss is summed over the time steps and averaged over the
# rows, so a step of size 1.0 is `length` times larger than it looks.


# %%
def build():
    model = s2s.LanguageModel(
        tokenizer.vocabulary_size,
        settings.units,
        num_layers=settings.num_layers,
        dropout=settings.dropout,
    )
    s2s.training.draw_uniform(model, settings.initial_range)
    return model


keras.config.set_dtype_policy(settings.precision)
with strategy.scope():
    model = build()
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        steps = settings.epochs * len(train)
        rate = s2s.training.WarmupHoldCosine(rate, steps, warmup=steps // 20)
    model.compile(keras.optimizers.SGD(rate, global_clipnorm=settings.clip))
print(f"The model has {model.count_params():,} weights.")

history = s2s.training.fit(
    model,
    train,
    dev,
    epochs=settings.epochs,
    directory=settings.output_dir / "checkpoint",
    resume=settings.resume,
    checkpoint_every=500,
)

# %% [markdown]
# ## What it has learned
# What is measured, writes and is exported computes in full precision, on one device.

# %%
keras.config.set_dtype_policy("float32")
trained, model = model, build()
model.set_weights(trained.get_weights())
test_perplexity = s2s.training.evaluate(model, test)["perplexity"]
print("\nperplexity    training               validation")
print("epoch       ours      book         ours      book")
for epoch, (train_value, dev_value) in enumerate(
    zip(history.history["perplexity"], history.history["val_perplexity"], strict=True)
):
    book = [
        f"{BOOK[name][epoch]:9.3f}" if settings.preset == "book" and epoch < 5 else " " * 9
        for name in ("perplexity", "val_perplexity")
    ]
    print(f"{epoch + 1:5} {train_value:10.3f} {book[0]} {dev_value:12.3f} {book[1]}")
beside = f" (the book: {BOOK['test']})" if settings.preset != "quick" else ""
print(f"Test perplexity: {test_perplexity:.3f}{beside}")

# %% [markdown]
# ## It writes
# Greedily it takes the most probable word at each step, and soon goes round in circles. Drawn from
# its distribution, the text has variety; a temperature below 1 makes it more careful.

# %%
text_model = s2s.TextModel(model, tokenizer)
beginning = " ".join(text.test[0].split()[:3])
print(f"\nGreedy:          {text_model.generate([beginning])[0]}")
for temperature in (0.7, 1.0):
    written = text_model.generate([beginning] * 2, temperature=temperature, seed=settings.seed)
    for line in written:
        print(f"Temperature {temperature}: {line}")

# %% [markdown]
# ## It judges
# A line of the test text, and the same words in another order.

# %%
line = text.test[-1]
for candidate in (line, " ".join(reversed(line.split()))):
    score = text_model.score([candidate])[0]
    print(f"Perplexity {score.perplexity:9.1f} of {score.tokens} tokens: {candidate}")

# %% [markdown]
# ## Pictures and export
# The SavedModel scores lines (`serving_default`) and continues them (`generate`).

# %%
curves = settings.output_dir / "learning_curves.png"
perplexities = {name: history.history[name] for name in ("perplexity", "val_perplexity")}
reference = BOOK if settings.preset == "book" else None
s2s.plotting.learning_curves(perplexities, reference=reference, reference_label="the book").savefig(
    curves
)
print(f"\nLearning curves: {curves}")
exported = s2s.serving.export(text_model, settings.output_dir / "saved_model")
print(f"SavedModel:      {exported}")
reloaded = s2s.serving.run_in_fresh_process(exported, [line])
ours = text_model.score([line])[0].log_probability
print(
    f"In a fresh process it gives the line log P = {reloaded['log_probability'][0]:.3f}, ", end=""
)
print(f"here {ours:.3f}")
print(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")
