# %% [markdown]
# 9-5 Seq2Seq 模型 训练: training a translator without attention.
#
# One RNN reads the English sentence x_1 ... x_T, and its last state is all that is known of it.
# Another starts from there and writes the Chinese one, y_1 y_2 ..., a character at a time:
#
#     encoder:  h_i = RNN(h_{i-1}, x_i)                                        c = h_T
#     decoder:  s_j = RNN(s_{j-1}, y_{j-1}),  s_0 = c,     P(y_j) = softmax(E s_j + b)
#     cost:     -1/n sum_j log P(y_j | y_1 ... y_{j-1}, x)
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
from tf_seq2seq.command_line import TrainingSettings, from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings(TrainingSettings):
    """Train a translator without attention, compare its costs, measure it, and export it."""

    preset: str = setting("quick", "which set of defaults")
    recipe: str = setting(
        "tuned",
        "the model and the optimizer of the book, or better ones",
        choices=("book", "tuned"),
    )
    output_dir: Path = setting(
        Path("output/ch09_5/quick"), "where checkpoints, the picture and the translator go"
    )
    model_dir: Path | None = setting(
        None, "where the SavedModel goes (without it: saved_model in the output directory)"
    )
    source_size: int = setting(8_000, "most tokens of the English vocabulary", least=10)
    target_size: int = setting(4_001, "most tokens of the Chinese vocabulary", least=10)
    units: int = setting(128, "width of the decoder", least=2)
    embedding_size: int = setting(
        128, "width of the word embeddings (the book's are as wide as its decoder)", least=1
    )
    dropout: float = setting(0.1, "rate of dropout", least=0, most=0.9)
    batch_size: int = setting(100, "sentence pairs of a batch, over all replicas", least=1)
    max_length: int = setting(50, "longest sentence to train on, in tokens", least=2)
    epochs: int = setting(2, "passes over the training pairs", least=1)
    learning_rate: float = setting(0.01, "of the optimizer, at its highest", least=0)
    precision: str = setting(
        "float32", "of the matrix products in training", choices=("float32", "mixed_bfloat16")
    )


PRESETS = {
    "quick": {},
    "book": {
        "recipe": "book",
        "output_dir": Path("output/ch09_5/book"),
        "source_size": 10_001,  # the book's 10,000 and <pad>
        "units": 1024,
        "dropout": 0.2,
        "epochs": 5,
        "learning_rate": 1.0,
    },
    "tuned": {
        "output_dir": Path("output/ch09_5/tuned"),
        "units": 512,
        "embedding_size": 256,
        "dropout": 0.3,
        "max_length": 60,
        "epochs": 5,
        "learning_rate": 0.002,
        "precision": "mixed_bfloat16",
    },
}
# What the book prints, by the step: the first cost, and for each epoch of 1,802 steps the mean of
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
# saves most of the padding.

# %%
book_recipe = settings.recipe == "book"
if settings.preset == "quick":
    corpus = s2s.data.embedded_corpus(train=16_000)
    test_sets = {"test": corpus.test}
else:
    corpus = s2s.data.ted(settings.data_dir)
    test_sets = {
        name: s2s.data.ted(settings.data_dir, [name]).test for name in s2s.data.TED_TEST_SETS
    }
english = s2s.text.WordTokenizer() if book_recipe else s2s.text.SubwordTokenizer()
chinese = s2s.text.ChineseTokenizer()
english.adapt(corpus.train.source, max_size=settings.source_size)
chinese.adapt(corpus.train.target, max_size=settings.target_size)
print(f"{english.vocabulary_size} English and {chinese.vocabulary_size} Chinese tokens")
train = s2s.data.batches(
    corpus.train,
    english,
    chinese,
    batch_size=settings.batch_size,
    max_length=settings.max_length,
    num_buckets=1 if book_recipe else 8,
    shuffle_seed=settings.seed,
    report=print,
)
# The book has no dev set. This one keeps its long sentences.
dev = s2s.data.batches(corpus.dev, english, chinese, batch_size=settings.batch_size, max_length=250)

# %% [markdown]
# ## Two recipes
# The book's decoder starts from the encoder's state and is told of the sentence no more (S3 of
# the notes). The tuned one reads it in both directions, and sees the context in every step (S4):
#
#     s_0 = tanh(W c),   s_j = RNN(s_{j-1}, [y_{j-1} ; c]),   P(y_j) = softmax(E V s_j + b)


# %%
def build():
    if book_recipe:
        stack = {"cell": "lstm", "num_layers": 2, "embedding_dropout": settings.dropout}
        model = s2s.Seq2Seq(
            s2s.Encoder(english.vocabulary_size, settings.units, **stack),
            s2s.Decoder(chinese.vocabulary_size, settings.units, tie_embeddings=True, **stack),
            bridge="copy",
        )
        s2s.training.draw_glorot_uniform(model)
        return model
    return s2s.Seq2Seq(
        s2s.Encoder(
            english.vocabulary_size,
            settings.units // 2,
            embedding_size=settings.embedding_size,
            bidirectional=True,
            dropout=settings.dropout,
        ),
        s2s.Decoder(
            chinese.vocabulary_size,
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
# The book takes steps of gradient descent: a step is the gradient of the cost summed over a
# sentence, times 1.0, and cut to a length of 5. The tuned recipe takes Adam, whose rate goes up
# and then down along a cosine, on the cost of a token, with smoothed labels.

# %%
steps = settings.epochs * len(train)
with strategy.scope():
    keras.config.set_dtype_policy(settings.precision)
    model = build()
    if book_recipe:
        model.compile(
            keras.optimizers.SGD(settings.learning_rate, global_clipnorm=5.0),
            s2s.SequenceCrossEntropy(average="sentences"),
        )
    else:
        warmup = steps // 20
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, steps - warmup, warmup_target=settings.learning_rate, warmup_steps=warmup
        )
        model.compile(
            keras.optimizers.Adam(rate, global_clipnorm=1.0),
            s2s.SequenceCrossEntropy(label_smoothing=0.1),
        )
print(f"The model has {model.count_params():,} weights.")

# What translates has weights of its own, on one device and in full precision. Its form is saved
# now, so that the checkpoints of a training under way can be used already.
keras.config.set_dtype_policy("float32")
translator = s2s.Translator(build(), english, chinese, max_source_length=200, max_target_length=150)
translator.save(settings.output_dir / "translator")

history = s2s.training.fit(
    model,
    train,
    dev,
    epochs=settings.epochs,
    directory=settings.output_dir / "checkpoint",
    resume=settings.resume,
    checkpoint_every=200,
)

# %% [markdown]
# ## Its costs beside the book's
# The book prints the cost of a token in every tenth step. Its figure for an epoch is here the mean
# of the last 20 printed, and so is ours at the same step: steps can be compared, epochs cannot,
# for the book had 180,000 pairs. With fewer of them more `--epochs` lead to the same step.

# %%
print("\n         cost of a token")
print("   step     here  in the book")
for step in sorted({*BOOK, len(history.costs)}):
    here, in_book = "-", f"{BOOK[step]:.3f}" if step in BOOK else "-"
    if step <= len(history.costs):
        printed = history.costs[: max(step, 1) : 10]
        here = f"{sum(printed[-20:]) / len(printed[-20:]):.3f}"
    print(f"{step:7,} {here:>8} {in_book:>12}")

picture = settings.output_dir / "costs.png"
points = None if settings.preset == "quick" else BOOK
s2s.plotting.step_costs({"here": history.costs}, points).savefig(picture)

# %% [markdown]
# ## What the book does not measure
# How well the model predicts sentences that it has never seen, and how well it translates them.

# %%
print("\nDev perplexity after each epoch:", end=" ")
print(*(f"{value:.2f}" for value in history.history["val_perplexity"]))

translator.model.set_weights(model.get_weights())
translator.save(settings.output_dir / "translator")
hypotheses = {
    name: [translation.text for translation in translator(pairs.source)]
    for name, pairs in test_sets.items()
}
references = {name: pairs.target for name, pairs in test_sets.items()}
print(s2s.evaluation.bleu_of_sets(hypotheses, references, "zh"))

samples = corpus.dev[:5]
for (sentence, reference), translation in zip(samples, translator(samples.source), strict=True):
    print(f"\nsource:      {sentence}\ntranslation: {translation.text}\nreference:   {reference}")

# %% [markdown]
# ## Export
# A SavedModel for TensorFlow Serving: strings in, strings out.

# %%
model_dir = settings.model_dir or settings.output_dir / "saved_model"
exported = s2s.serving.export(translator, model_dir, version=1, replace=True)
print(f"\nCosts:      {picture}")
print(f"Translator: {settings.output_dir / 'translator'}")
print(f"SavedModel: {exported}")
print(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")
