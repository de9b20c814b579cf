# %% [markdown]
# 9-5 Seq2Seq 模型 训练: training a translator without attention.
#
# One RNN reads the English sentence x_1 ... x_T. Its last state c is all that the decoder learns
# about the sentence. The decoder starts from it and writes the Chinese sentence y_1 y_2 ..., one
# character at a time:
#
#     encoder:  h_i = RNN(h_{i-1}, x_i)                                        c = h_T
#     decoder:  s_j = RNN(s_{j-1}, y_{j-1}),  s_0 = c,     P(y_j) = softmax(E s_j + b)
#     loss:     -1/n sum_j log P(y_j | y_1 ... y_{j-1}, x)
#
#     --preset quick    synthetic sentences, offline
#     --preset book     the book's model on the TED talks
#     --preset tuned    the TED talks, with a modern recipe
#
# `ch09_6_translate_seq2seq.py` translates with the model that is trained here.
# `ch09_7_train_attention.py` adds attention; the preset `tuned` changes nothing else there.

# %%
import dataclasses

from common.talks_settings import TalksSettings, presets
from tf_seq2seq.cli.settings import from_command_line


@dataclasses.dataclass(frozen=True)
class Settings(TalksSettings):
    """Train a translator without attention, compare its loss to the book's, score and export it."""


PRESETS = presets("output/ch09_5")
settings = from_command_line(Settings, presets=PRESETS)

# %%
import tf_seq2seq as s2s
from common import talks
from common.run import start

run, settings = start(settings)

# %% [markdown]
# ## Sentence pairs
# The book splits English into words; the tuned recipe splits it into subwords, so that no word is
# unknown. Both split Chinese into characters. The book fills its batches in the order of the
# corpus, and all of them are padded to one width; the tuned recipe groups sentences of similar
# length, which saves most of the padding. The book has no dev set.

# %%
corpus = talks.load(settings)

# %% [markdown]
# ## Two models
# The book's decoder starts from the encoder's state and never sees the sentence again (S3 in
# [docs/notes.md](../docs/notes.md)). The tuned model reads the sentence in both directions, and
# its decoder gets the context in every step (S4):
#
#     s_0 = tanh(W c),   s_j = RNN(s_{j-1}, [y_{j-1} ; c]),   P(y_j) = softmax(E V s_j + b)


# %%
def build_book():
    lstm = {"cell": "lstm", "num_layers": 2, "embedding_dropout": settings.dropout}
    model = s2s.Seq2Seq(
        s2s.Encoder(corpus.english.vocabulary_size, settings.units, **lstm),
        s2s.Decoder(corpus.chinese.vocabulary_size, settings.units, tie_embeddings=True, **lstm),
        bridge="copy",
    )
    s2s.training.draw_glorot_uniform(model)
    return model


def build_tuned():
    both = {"embedding_size": settings.embedding_size, "dropout": settings.dropout}
    return s2s.Seq2Seq(
        s2s.Encoder(
            corpus.english.vocabulary_size, settings.units // 2, bidirectional=True, **both
        ),
        s2s.Decoder(
            corpus.chinese.vocabulary_size,
            settings.units,
            feeding="context_and_previous",
            readout_units=settings.embedding_size,
            readout_activation=None,
            tie_embeddings=True,
            **both,
        ),
    )


# %% [markdown]
# ## Training
# The book uses gradient descent: each step is the gradient of the loss summed over a sentence (the
# book calls it the cost), times 1.0, and clipped to a norm of 5. The tuned recipe uses Adam with a
# warm-up and a cosine decay, on the loss per token, with smoothed labels.
#
# The translator has its own copy of the weights, on one device and in float32.

# %%
recipes = {"book": build_book, "tuned": build_tuned}
trained = talks.train(recipes[settings.recipe], corpus, settings, run)

# %% [markdown]
# ## Results
# The book prints the loss per token every ten steps. For the end of an epoch we quote the mean
# of the last 20 that it prints, and compute the same here. Steps can be compared, epochs cannot:
# the book has 180,000 pairs and 1,802 steps per epoch. With fewer pairs, it takes more `--epochs`
# to reach the same step. Pairs of other kinds can be added: everyday sentences with
# `--corpus ted+tatoeba`, and those of any two files with `--more-source` and `--more-target`. Their
# losses are then not those of talks alone, which the output says.
#
# The book does not measure how well the model predicts or translates sentences that it has never
# seen. We do.

# %%
BOOK = {0: 8.292, 1802: 3.709, 3604: 3.223, 5406: 2.886, 7208: 2.690, 9010: 2.447}
talks.measure(trained, corpus, settings, BOOK)

# %% [markdown]
# ## Export
# A SavedModel for TensorFlow Serving maps strings to strings.

# %%
talks.export(trained.translator, settings)
print(f"Done in {run.minutes:.1f} minutes.")

# %% [markdown]
# ## What to observe
# With the preset `tuned`, the loss per token at step 1,802 is about that of the book, 3.709, with
# half the width and a third of the pairs: it was 3.570 in one run and 3.733 in another. Yet the
# BLEU on six test sets was only 4.90 and 4.91: a decoder can predict likely characters and lose the
# sentence.
#
# ## Exercises
# 1. With `go_backwards=True`, after which word is the state the context? Show it with two encoders
#    that have the same weights.
# 2. Compute the loss of two sentences step by step, with `decoder.step`, and compare it with that
#    of the call.
# 3. Train small models to copy strings of up to eight letters. Does it help to read the source
#    backwards?
#
# Solutions: [`solutions/ch09_5.py`](solutions/ch09_5.py), which `python chapters/solutions ch09_5`
# runs.
