# %% [markdown]
# 9-4 PTB 语言模型: a language model of the Penn Treebank.
#
# A language model computes the probability of a text, word by word:
#
#     P(w_1 ... w_n) = P(w_1) P(w_2 | w_1) ... P(w_n | w_1 ... w_{n-1})
#
# It is judged by its perplexity, exp(-1/n log P): a model of perplexity 100 is as uncertain about
# the next word as if it had to choose among 100 equally likely ones.
#
#     --preset quick         a small synthetic text, offline
#     --preset book          the book's model on the Penn Treebank
#     --preset tuned         the same model, somewhat wider, with more dropout and a learning rate
#                            that decays to zero
#     --preset regularized   a larger model, trained for three hours and kept from learning the
#                            text by heart

# %%
import dataclasses
from collections.abc import Iterator, Sequence

from common.settings import (
    ANOTHER_CORPUS,
    SYNTHETIC_PRESET,
    TrainingSettings,
    learning_rate_setting,
    precision_setting,
    preset_setting,
    width_setting,
    with_folders,
)
from tf_seq2seq.cli.settings import from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings(TrainingSettings):
    """Train a language model, measure its perplexity, generate text, and export it."""

    preset: str = preset_setting()
    units: int = width_setting(100, "width of the embedding and of each LSTM", least=1)
    num_layers: int = setting(2, "number of stacked LSTMs", least=1, most=100)
    dropout: float = setting(0.1, "dropout rate for embeddings and outputs", least=0, most=0.9)
    locked_dropout: bool = setting(False, "drop the same features in all words of a segment")
    word_dropout: float = setting(
        0.0, "rate at which words are dropped, wherever they occur in a batch", least=0, most=0.9
    )
    weight_dropout: float = setting(
        0.0, "dropout rate for the weights of the previous state", least=0, most=0.9
    )
    activation_penalty: float = setting(0.0, "weight of large outputs in the loss", least=0)
    change_penalty: float = setting(0.0, "weight of quickly changing outputs in the loss", least=0)
    initial_range: float = setting(0.05, "matrices are drawn uniformly from -X to X", least=0)
    batch_size: int = setting(20, "rows in a batch, over all replicas", least=1)
    length: int = setting(20, "words through which the gradient is propagated", least=1)
    dev_rows: int = setting(1, "rows of the dev text after each epoch: several are faster", least=1)
    epochs: int = setting(4, "passes over the text", least=1)
    learning_rate: float = learning_rate_setting(1.0, "peak learning rate of gradient descent")
    schedule: str = setting(
        "constant", "schedule of the learning rate", choices=("constant", "cosine")
    )
    average: float = setting(
        0.0, "share of the epochs, the last ones, over which weights are averaged", least=0, most=1
    )
    cache: int = setting(0, "words in the cache at test time (0: none)", least=0)
    clip: float = setting(5.0, "maximum norm of the gradient (0: no clipping)", least=0)
    precision: str = precision_setting()

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        if self.preset == "quick":
            yield SYNTHETIC_PRESET


PRESETS = {
    "quick": {"cache": 500},
    "book": {"units": 300, "length": 35, "epochs": 5},
    "tuned": {
        "units": 450,
        "length": 35,
        "epochs": 9,
        "dropout": 0.3,
        "learning_rate": 1.2,
        "schedule": "cosine",
        "cache": 2000,
        "precision": "mixed_bfloat16",
    },
    "regularized": {
        "units": 650,
        "length": 35,
        "dev_rows": 20,
        "epochs": 35,
        "dropout": 0.4,
        "locked_dropout": True,
        "word_dropout": 0.1,
        "weight_dropout": 0.4,
        "activation_penalty": 2.0,
        "change_penalty": 1.0,
        "schedule": "cosine",
        "cache": 2000,
        "precision": "mixed_bfloat16",
    },
}

settings = from_command_line(Settings, presets=with_folders("output/ch09_4", PRESETS))

# %%
import keras

import tf_seq2seq as s2s
from common.plots import show
from common.run import identity, start

run, settings = start(settings)

BOOK = {  # the perplexities that the book prints after each epoch
    "perplexity": (376.035, 147.339, 107.988, 88.859, 77.541),
    "val_perplexity": (191.894, 138.610, 118.488, 112.674, 108.727),
    "test": 104.901,
}

# %% [markdown]
# ## Running text
# The text becomes one sequence of ids, with `<eos>` at the end of each line. It is cut into
# `batch_size` rows, and these into batches of `length` columns: row i of a batch continues row i of
# the batch before. The state is therefore carried over from batch to batch, but the gradient is
# not: this is truncated backpropagation through time.

# %%
if settings.preset == "quick":
    text = s2s.data.synthetic_text()
else:
    text = s2s.data.public_text("ptb", settings.data_dir)
tokenizer = s2s.text.WordTokenizer(split_punctuation=False)
tokenizer.adapt(text.train)
train_ids, dev_ids, test_ids = (s2s.data.encode_text(part, tokenizer) for part in text)
print(f"{len(train_ids)} / {len(dev_ids)} / {len(test_ids)} ids, ", end="")
print(f"{tokenizer.vocabulary_size} different ones (including <pad> and <sos>)")
train = s2s.data.text_batches(train_ids, settings.batch_size, settings.length)
# In a single row, each word is predicted from all words before it. With several, which are faster,
# the first words of each row are predicted from few: the perplexity is a little higher.
rows_of_dev = s2s.data.text_batches(dev_ids, settings.dev_rows, max(1000 // settings.dev_rows, 1))
dev = s2s.data.text_batches(dev_ids, length=1000)
test = s2s.data.text_batches(test_ids, length=1000)

# %% [markdown]
# ## The model
#     x_t        = E w_t
#     h_t, c_t   = LSTM(x_t, h_{t-1}, c_{t-1}), one layer on top of another
#     P(w_{t+1}) = softmax(E h_t + b)
#
# The same matrix E embeds the words and predicts them. The loss is summed over the time steps and
# averaged over the rows, so a step of size 1.0 is `length` times as large as it looks.
#
# A large model soon knows the training text by heart. The preset `regularized` prevents that with
# the methods of Merity et al. (2018):
#
# - *Locked dropout* hides the same features of h_t in all words of a segment, instead of others in
#   each word. *Word dropout* hides a word wherever it occurs in a batch.
# - *Weight dropout* sets random entries of U, the matrix by which an LSTM multiplies h_{t-1}, to
#   zero for a whole batch. The state itself is never dropped, so it can still remember.
# - *Penalties*: the mean squares of the outputs, and of their changes from word to word, are added
#   to the loss. They are not part of the perplexity.
#
# Each step of gradient descent also follows the noise of its batch. Merity et al. keep the learning
# rate high and take the average of the weights after many steps, in which the noise cancels out:
# `--schedule constant --average 0.5` averages over the last half of the epochs. The preset lowers
# the rate to zero along a cosine instead. In trials with small models this was better, and an
# average of the last weights did not improve it further.


# %%
def build():
    model = s2s.LanguageModel(
        tokenizer.vocabulary_size,
        settings.units,
        num_layers=settings.num_layers,
        dropout=settings.dropout,
        locked_dropout=settings.locked_dropout,
        word_dropout=settings.word_dropout,
        weight_dropout=settings.weight_dropout,
        activation_penalty=settings.activation_penalty,
        change_penalty=settings.change_penalty,
    )
    s2s.training.draw_uniform(model, settings.initial_range)
    return model


keras.config.set_dtype_policy(settings.precision)
with run.strategy.scope():
    model = build()
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        steps = settings.epochs * len(train)
        rate = s2s.training.WarmupHoldCosine(rate, steps, warmup=steps // 20)
    model.compile(keras.optimizers.SGD(rate, global_clipnorm=settings.clip))
print(f"The model has {model.count_params():,} parameters.")
print("The loss is that of a row, as in the book; val_loss and the perplexities are per word.")
callbacks = []
if settings.average:
    averaged = max(1, round(settings.average * settings.epochs))
    begin = settings.epochs - averaged
    callbacks.append(s2s.training.AverageWeights(begin, every=min(10, len(train))))

history = s2s.training.fit(
    model,
    train,
    rows_of_dev,
    epochs=settings.epochs,
    directory=settings.output_dir / "checkpoint",
    resume=settings.resume,
    settings=identity(settings, [text.train], tokenizer),
    keep_checkpoints=settings.keep_checkpoints,
    checkpoint_every="auto",
    callbacks=callbacks,
)
run.end_unless_chief()

# %% [markdown]
# ## What it has learned
# From here on we use a copy of the model in float32, on one device.

# %%
keras.config.set_dtype_policy("float32")
trained, model = model, build()
model.set_weights(trained.get_weights())
model.compile()
test_perplexity = s2s.training.evaluate(model, test)["perplexity"]
if settings.preset == "quick":
    print(f"\n{ANOTHER_CORPUS}")
print("\nperplexity    training               validation")
print("epoch       here      book         here      book")
for epoch, (train_value, dev_value) in enumerate(
    zip(history.history["perplexity"], history.history["val_perplexity"], strict=True)
):
    book = [
        f"{BOOK[name][epoch]:9.3f}" if settings.preset == "book" and epoch < 5 else " " * 9
        for name in ("perplexity", "val_perplexity")
    ]
    print(f"{epoch + 1:5} {train_value:10.3f} {book[0]} {dev_value:12.3f} {book[1]}")
in_book = f" (the book: {BOOK['test']})" if settings.preset != "quick" else ""
print(f"Test perplexity: {test_perplexity:.3f}{in_book}")

# %% [markdown]
# ## A cache
# The model may look back at the words it has just read, by attention: its state is the query, the
# states before it are the keys, and the words that followed them are the values. Words that
# occurred before become more probable. theta and lambda are chosen on the dev text; nothing else is
# trained. Perplexities with and without a cache are not comparable.

# %%
if settings.cache:
    cache = s2s.evaluation.NeuralCache.tuned(model, dev, settings.cache)
    cached_perplexity = cache.perplexity(model, test)
    print(f"Test perplexity with a cache of {cache.size} words: {cached_perplexity:.3f}", end="")
    print(f" (theta {cache.flatness}, lambda {cache.share})")

# %% [markdown]
# ## Generating text
# Greedy search takes the most probable word in each step, and soon repeats itself. Samples from the
# distribution have more variety; a temperature below 1 makes them more conservative.

# %%
text_model = s2s.TextModel(model, tokenizer)
beginning = " ".join(text.test[0].split()[:3])
print(f"\nGreedy:          {text_model.generate([beginning])[0]}")
for temperature in (0.7, 1.0):
    samples = text_model.generate([beginning] * 2, temperature=temperature, seed=settings.seed)
    for line in samples:
        print(f"Temperature {temperature}: {line}")

# %% [markdown]
# ## Scoring text
# A line of the test text, and the same words in reverse order.

# %%
line = text.test[-1]
for candidate in (line, " ".join(reversed(line.split()))):
    score = text_model.score([candidate])[0]
    print(f"Perplexity {score.perplexity:9.1f} of {score.tokens} tokens: {candidate}")

# %% [markdown]
# ## Plot and export
# The SavedModel scores lines (`serving_default`) and continues them (`generate`).

# %%
curves = settings.output_dir / "learning_curves.png"
perplexities = {name: history.history[name] for name in ("perplexity", "val_perplexity")}
reference = BOOK if settings.preset == "book" else None
plot = s2s.plotting.learning_curves(perplexities, reference=reference, reference_label="the book")
show(plot, curves, "\nLearning curves: ")
exported = s2s.serving.export(text_model, settings.output_dir / "saved_model")
print(f"SavedModel:      {exported}")
reloaded = s2s.serving.run_in_fresh_process(exported, [line])
here = text_model.score([line])[0].log_probability
there = reloaded["log_probability"][0]
print(f"log P of the line is {there:.3f} in a fresh process, and {here:.3f} here")
print(f"Done in {run.minutes:.1f} minutes.")

# %% [markdown]
# ## What to observe
# With the preset `book`, the test perplexity is 103.9 to 104.9 for three seeds; the book has
# 104.901. In the preset `quick`, the perplexity of the dev text falls from about 42 after the first
# epoch to less than 7 after the fourth: the model is as uncertain as if it chose among seven words
# instead of 568.
#
# ## Exercises
# 1. Cut the ids 0 to 20 into 2 rows, and into batches of 5 columns. What does the second batch
#    contain?
# 2. Count words, and pairs of words, and compute the perplexity of the synthetic dev text with
#    either. How far ahead is the LSTM of the preset `quick`?
# 3. Read two segments, with the state carried over. Show that the loss of the second depends on the
#    words of the first, and that no gradient reaches them if it is stopped in between.
#
# Solutions: [`solutions/ch09_4.py`](solutions/ch09_4.py), which `python chapters/solutions ch09_4`
# runs.
