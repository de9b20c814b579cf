# %% [markdown]
# 9-5 Seq2Seq 模型 训练: training a translator without attention.
#
# One RNN reads the English sentence x_1 ... x_T, and its last state is all that is known of it.
# Another starts from there and writes the Chinese one, y_1 y_2 ..., a character at a time:
#
#     encoder:  h_i = RNN(h_{i-1}, x_i)                                        c = h_T
#     decoder:  s_j = RNN(s_{j-1}, y_{j-1}),  s_0 = c,     P(y_j) = softmax(E s_j + b)
#     loss:     -1/n sum_j log P(y_j | y_1 ... y_{j-1}, x)
#
#     --preset quick    sentences that the package writes itself, offline
#     --preset book     the book's model on the TED talks
#     --preset tuned    the TED talks again, with what has been learned since
#
# `ch09_6_translate_seq2seq.py` translates with what is trained here. `ch09_7_train_attention.py`
# is this chapter once more, with attention: `tuned` differs there in nothing else.

# %%
import dataclasses
import time
from pathlib import Path

import keras

import tf_seq2seq as s2s
from common import talks
from tf_seq2seq.cli.settings import from_command_line


@dataclasses.dataclass(frozen=True)
class Settings(talks.TalksSettings):
    """Train a translator without attention, compare its losses, measure it, and export it."""


PRESETS = talks.presets(Path("output/ch09_5"))
# What the book prints, by the step: the first loss, and for each epoch of 1,802 steps the mean of
# the last 20.
BOOK = {0: 8.292, 1802: 3.709, 3604: 3.223, 5406: 2.886, 7208: 2.690, 9010: 2.447}

settings = from_command_line(Settings, presets=PRESETS)
strategy = s2s.training.strategy(settings.strategy)
keras.utils.set_random_seed(settings.seed)
settings.output_dir.mkdir(parents=True, exist_ok=True)
started = time.monotonic()

# %% [markdown]
# ## Sentence pairs
# The book cuts English into words; the tuned recipe cuts it into subwords, so that no word is
# unknown. Both cut Chinese into characters. The book fills its batches as the sentences come, and
# its batches have one width here; the tuned recipe puts sentences of like length together, which
# saves most of the padding. The book has no dev set.

# %%
corpus = talks.load(settings)

# %% [markdown]
# ## Two recipes
# The book's decoder starts from the encoder's state and is told of the sentence no more (S3 of
# the notes). The tuned one reads it in both directions, and sees the context in every step (S4):
#
#     s_0 = tanh(W c),   s_j = RNN(s_{j-1}, [y_{j-1} ; c]),   P(y_j) = softmax(E V s_j + b)


# %%
def build():
    if settings.recipe == "book":
        stack = {"cell": "lstm", "num_layers": 2, "embedding_dropout": settings.dropout}
        model = s2s.Seq2Seq(
            s2s.Encoder(corpus.english.vocabulary_size, settings.units, **stack),
            s2s.Decoder(
                corpus.chinese.vocabulary_size, settings.units, tie_embeddings=True, **stack
            ),
            bridge="copy",
        )
        s2s.training.draw_glorot_uniform(model)
        return model
    return s2s.Seq2Seq(
        s2s.Encoder(
            corpus.english.vocabulary_size,
            settings.units // 2,
            embedding_size=settings.embedding_size,
            bidirectional=True,
            dropout=settings.dropout,
        ),
        s2s.Decoder(
            corpus.chinese.vocabulary_size,
            settings.units,
            embedding_size=settings.embedding_size,
            feeding="context_and_previous",
            readout_units=settings.embedding_size,
            readout_activation=None,
            tie_embeddings=True,
            dropout=settings.dropout,
        ),
    )


# %% [markdown]
# The book takes steps of gradient descent: a step is the gradient of the loss summed over a
# sentence, times 1.0, and cut to a length of 5. The tuned recipe takes Adam, whose rate goes up
# and then down along a cosine, on the loss per token, with smoothed labels.

# %%
with strategy.scope():
    keras.config.set_dtype_policy(settings.precision)
    model = build()
    talks.compile_model(model, settings, settings.epochs * len(corpus.train))
print(f"The model has {model.count_params():,} weights.")

# What translates has weights of its own, on one device and in full precision.
keras.config.set_dtype_policy("float32")
translator = s2s.Translator(
    build(), corpus.english, corpus.chinese, max_source_length=200, max_target_length=150
)
history = talks.train(model, translator, corpus, settings)

# %% [markdown]
# ## Its losses beside the book's
# The book prints the loss per token in every tenth step. Its figure for an epoch is here the mean
# of the last 20 printed, and so is ours at the same step: steps can be compared, epochs cannot,
# for the book had 180,000 pairs. With fewer of them more `--epochs` lead to the same step.

# %%
talks.print_losses(history.step_losses, BOOK)
picture = settings.output_dir / "losses.png"
points = None if settings.preset == "quick" else BOOK
s2s.plotting.step_losses({"here": history.step_losses}, points, "printed in the book").savefig(
    picture
)

# %% [markdown]
# ## What the book does not measure
# How well the model predicts sentences that it has never seen, and how well it translates them.

# %%
print("\nDev perplexity after each epoch:", end=" ")
print(*(f"{value:.2f}" for value in history.history["val_perplexity"]))
talks.measure(translator, corpus)

# %% [markdown]
# ## Export
# A SavedModel for TensorFlow Serving: strings in, strings out.

# %%
model_dir = settings.model_dir or settings.output_dir / "saved_model"
exported = s2s.serving.export(translator, model_dir)
print(f"\nCosts:      {picture}")
print(f"Translator: {settings.output_dir / 'translator'}")
print(f"SavedModel: {exported}")
print(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")
