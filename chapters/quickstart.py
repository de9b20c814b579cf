# %% [markdown]
# Quickstart: train a translator with attention, inspect it, export it, reload it.
#
#     text -> ids -> batches -> encoder -> decoder -> search -> text
#
# Without arguments, it learns to translate English into Chinese on a synthetic corpus, in a few
# minutes on two CPU cores. The same script trains on your data: --pairs FILE (one pair per line,
# source and target separated by a tab; --columns 2,1 translates from the second to the first) or
# --source FILE --target FILE (one sentence per line).

# %%
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from common.settings import (
    keep_checkpoints_setting,
    learning_rate_setting,
    seed_setting,
    strategy_setting,
    tokenize_setting,
    width_setting,
)
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError


@dataclasses.dataclass(frozen=True)
class Settings:
    """Train a translator with attention, translate, plot, export and reload."""

    pairs: Path | None = setting(
        None, "your tab-separated pairs, instead of the synthetic corpus", reads=True
    )
    source: Path | None = setting(
        None, "your source sentences; --target has their translations", reads=True
    )
    target: Path | None = setting(None, "your target sentences", reads=True)
    columns: str | None = setting(
        None,
        "SOURCE,TARGET: columns of --pairs, by number or by name in the first line; 2,1 translates "
        "from the second to the first (default: the two columns with text)",
    )
    dev: str | None = setting(
        None, "your dev set: a file like --pairs, or SOURCE,TARGET (default: split off)"
    )
    test: str | None = setting(None, "your test set, in the same form (default: split off)")
    held_out: int = setting(
        1000,
        "pairs of your data to hold out for testing; half as many for dev",
        least=2,
        sets=("dev", "test"),
    )
    sentence: str | None = setting(None, "one more sentence to translate")
    source_model: Path | None = setting(
        None, "a SentencePiece model to split the sources with (default: choose a tokenizer)"
    )
    target_model: Path | None = setting(None, "a SentencePiece model to split the targets with")
    vocabulary_size: int = setting(6000, "maximum size of each vocabulary", least=10)
    max_length: int = setting(50, "longest sentence to train on, in tokens", least=2)
    units: int | None = width_setting(
        None, "width of the decoder; each encoder direction is half as wide (256; your data: 512)"
    )
    embedding_size: int | None = width_setting(
        None, "width of the word embeddings (128; your data: 256)", least=1
    )
    dropout: float | None = setting(None, "dropout rate (0.1; your data: 0.3)", least=0, most=0.9)
    epochs: int | None = setting(None, "passes over the training pairs (3; your data: 12)", least=1)
    tokens: int = setting(2048, "size of a batch in tokens of one side, padding included", least=50)
    learning_rate: float = learning_rate_setting(0.003)
    tokenize: str | None = tokenize_setting()
    output_dir: Path | None = setting(
        None,
        "where plots and checkpoints go (output/quickstart; your data: output/quickstart_NAME)",
    )
    model_dir: Path | None = setting(
        None, "where the SavedModel goes (saved_models/quickstart; your data: with _NAME)"
    )
    label: str | None = setting(None, "a label for the model card of this version")
    strategy: str = strategy_setting()
    seed: int = seed_setting("seed for the split, the weights and the shuffling")
    resume: bool = setting(False, "continue from the last checkpoint of an interrupted run")
    keep_checkpoints: int = keep_checkpoints_setting()

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        if not (self.pairs or self.source or self.target):
            yield "without --pairs, or --source and --target", ("held_out", "dev", "test")
        if not self.pairs:
            yield "without --pairs", ("columns",)
        if self.dev and self.test:
            yield "with --dev and --test", ("held_out",)
        if self.source_model and self.target_model:
            yield "with --source-model and --target-model", ("vocabulary_size",)


settings = from_command_line(Settings)
synthetic = not (settings.pairs or settings.source)
if bool(settings.source) != bool(settings.target) or (settings.pairs and settings.source):
    raise InputError("Pass either --pairs, or both --source and --target, or none of them.")

# The synthetic language is small and regular. A real one needs a larger model and more dropout.
if synthetic:
    recipe = {"units": 256, "embedding_size": 128, "dropout": 0.1, "epochs": 3}
    name = "quickstart"
else:
    recipe = {"units": 512, "embedding_size": 256, "dropout": 0.3, "epochs": 12}
    name = f"quickstart_{(settings.pairs or settings.source).stem}"
recipe |= {"output_dir": Path("output") / name, "model_dir": Path("saved_models") / name}
missing = {name: value for name, value in recipe.items() if getattr(settings, name) is None}
settings = dataclasses.replace(settings, **missing)

# %%
# Imported only now, because it takes seconds: --help and a mistyped option need no TensorFlow.
import sys

import keras
import numpy as np

import tf_seq2seq as s2s
from common.plots import show
from common.run import identity, sides, start
from tf_seq2seq.serving.serving_api import require_serving_api

EXAMPLE = "The book that I bought yesterday is very interesting."
BLEU_EXPECTED = 90.0  # on the synthetic corpus; an untrained model scores below 1

# These fail now rather than after training.
require_serving_api("The export with warm-up requests")
source_pieces, target_pieces = (
    s2s.text.SentencePieceTokenizer(model) if model else None
    for model in (settings.source_model, settings.target_model)
)
run, settings = start(settings)

# %% [markdown]
# ## Text and batches
# The corpus has three parts that share no sentences. A tokenizer for each side turns text into ids
# and back, inside the TensorFlow graph.


# %%
def read_pairs(files):
    """Read a file of pairs, or two files separated by a comma."""
    if settings.pairs:
        columns = settings.columns and settings.columns.split(",")
        return s2s.data.read_tab_separated(files, columns)
    if files.count(",") != 1:
        raise s2s.InputError(
            f"--dev and --test take two files separated by a comma, got {files!r}."
        )
    return s2s.data.read_parallel(*files.split(","))


if synthetic:
    corpus = s2s.data.synthetic_corpus(settings.seed)
else:
    held_out = {"dev": settings.dev, "test": settings.test}
    given = {name: read_pairs(files) for name, files in held_out.items() if files}
    sizes = {"dev": settings.held_out // 2, "test": settings.held_out} | dict.fromkeys(given, 0)
    pairs = (
        read_pairs(settings.pairs)
        if settings.pairs
        else s2s.data.read_parallel(settings.source, settings.target)
    )
    print(f"The first of {len(pairs):,} pairs: {pairs.source[0]!r} -> {pairs.target[0]!r}")
    corpus = s2s.data.split(pairs, **sizes, seed=settings.seed)._replace(**given)
    parts = (f"{len(part):,} for {name}" for name, part in corpus._asdict().items())
    what = "Numbers of pairs" if given else "No sentence is in two parts"
    print(f"{what}: {', '.join(parts)}")


def adapted(lines):
    tokenizer = s2s.text.tokenizer_for(lines, settings.vocabulary_size)
    tokenizer.adapt(lines, max_size=settings.vocabulary_size)
    return tokenizer


source_tokenizer = source_pieces or adapted(corpus.train.source)
target_tokenizer = target_pieces or adapted(corpus.train.target)
for side, tokenizer in (("Source", source_tokenizer), ("Target", target_tokenizer)):
    print(f"{side}: {type(tokenizer).__name__}, {tokenizer.vocabulary_size} tokens")


def batches(pairs, **options):
    return s2s.data.batches(
        pairs,
        source_tokenizer,
        target_tokenizer,
        tokens=settings.tokens,
        max_length=settings.max_length,
        **options,
    )


train = batches(corpus.train, shuffle_seed=settings.seed, report=print)

# %% [markdown]
# ## The model
# A bidirectional GRU reads the source and returns a state h_i for each token. In each step,
# attention scores all h_i against the decoder's state s, and the decoder gets their weighted sum,
# the context:
#
#     alpha_i = softmax_i U tanh(V h_i + W s),   c = sum_i alpha_i h_i

# %%
with run.strategy.scope():
    model = s2s.Seq2Seq(
        s2s.Encoder(
            source_tokenizer.vocabulary_size,
            settings.units // 2,
            embedding_size=settings.embedding_size,
            bidirectional=True,
            dropout=settings.dropout,
        ),
        s2s.Decoder(
            target_tokenizer.vocabulary_size,
            settings.units,
            embedding_size=settings.embedding_size,
            attention=s2s.BahdanauAttention(settings.units // 2),
            query="previous_state",
            dropout=settings.dropout,
        ),
    )
translator = s2s.Translator(model, source_tokenizer, target_tokenizer)
print(f"The model has {model.count_params():,} parameters.")


def test():
    translations = [translation.text for translation in translator(corpus.test.source)]
    return s2s.evaluation.translation_report(
        translations, corpus.test.target, corpus.test.source, settings.tokenize
    )


untrained = test()

# %% [markdown]
# ## Training
# Adam with a warm-up and a cosine decay; cross-entropy with smoothed labels.

# %%
steps = len(train) * settings.epochs
rate = s2s.training.WarmupHoldCosine(settings.learning_rate, steps, warmup=min(200, steps // 10))
with run.strategy.scope():
    model.compile(
        keras.optimizers.Adam(rate, global_clipnorm=1.0),
        loss=s2s.SequenceCrossEntropy(label_smoothing=0.1),
        jit_compile=False,  # on a GPU, compiling with XLA would take longer than the run
    )
print("The loss includes label smoothing and the perplexity does not, so it is below exp(loss).")
history = s2s.training.fit(
    model,
    train,
    batches(corpus.dev),
    epochs=settings.epochs,
    directory=settings.output_dir / "checkpoint",
    resume=settings.resume,
    settings=identity(settings, sides(corpus.train), source_tokenizer, target_tokenizer),
    checkpoint_every="auto",
    keep_checkpoints=settings.keep_checkpoints,
)
run.end_unless_chief()

# %% [markdown]
# ## What it has learned
# Translations of sentences that it has never seen, compared with those before training.

# %%
trained = test()
print(f"\nHeld-out sentences, before training: {untrained.bleu}")
print(f"Held-out sentences, after training:  {trained}\n")

# Samples from across the test set, because neighbors may be variants of the same sentence.
samples = corpus.test[:: max(1, len(corpus.test) // 5)][:5]
sentences, references = list(samples.source), list(samples.target)
more = (settings.sentence or "").strip() or (EXAMPLE if synthetic else None)
if more:
    sentences.append(more)
    references.append(None)
translations = translator(sentences)
for sentence, reference, translation in zip(sentences, references, translations, strict=True):
    print(f"source:      {sentence}\ntranslation: {translation.text}")
    print(f"reference:   {reference}\n" if reference else "")

# %% [markdown]
# ## Plots
# The learning curves, and the weights alpha_i of two translations.

# %%
curves = settings.output_dir / "learning_curves.png"
show(s2s.plotting.learning_curves(history), curves, "Learning curves:   ")
for name, translation in (("alignment", translations[-1]), ("alignment_2", translations[0])):
    if not translation.target_tokens:  # of an empty sentence
        continue
    plot = settings.output_dir / f"{name}.png"
    figure = s2s.plotting.alignment(
        translation.source_tokens, translation.target_tokens, translation.alignment
    )
    show(figure, plot, "Alignment:         ")

# %% [markdown]
# ## Export
# A SavedModel for TensorFlow Serving maps strings to strings. It is exported with a model card and
# with warm-up requests, which the server runs before the model goes live. A fresh process that has
# TensorFlow but not this package must produce the same translations. `Translator.load` reads the
# translator itself, which the commands of the package take, too.

# %%
facts = {
    "sentences": corpus.dev.source,
    "card": {
        "languages": {"source": "en", "target": "zh"} if synthetic else None,
        "labels": [settings.label] if settings.label else [],
        "data": "synthetic corpus" if synthetic else str(settings.pairs or settings.source),
        "metric": {
            "name": "BLEU",
            "value": trained.bleu.value,
            "signature": trained.bleu.signature,
        },
    },
}
translator.save(settings.output_dir / "translator", **facts)
print(f"Translator:        {settings.output_dir / 'translator'}")
exported = s2s.serving.export(translator, settings.model_dir, **facts)
print(f"SavedModel:        {exported}")
reloaded = s2s.serving.run_in_fresh_process(exported, sentences)
same = reloaded["translation"] == [translation.text for translation in translations]
same &= np.allclose(reloaded["score"], [t.score for t in translations], atol=1e-4)
verdict = "the same" if same else "DIFFERENT"
print(f"In a fresh process without the package: {verdict} translations")
print(f"Done in {run.minutes:.1f} minutes.")
if not same:
    sys.exit(f"The reloaded SavedModel gives different translations: {reloaded['translation']}")
if synthetic and trained.bleu.value < BLEU_EXPECTED:
    sys.exit(f"BLEU is {trained.bleu.value:.1f}; a good run reaches more than {BLEU_EXPECTED}.")

# %% [markdown]
# ## What to observe
# On the synthetic corpus, the BLEU of held-out sentences rises from 0 to about 97, and nine of ten
# translations equal the reference. The network has learned when to move a relative clause before
# its noun: see the alignment.
#
# ## Exercises
# 1. Cut one character, or three, off each reference, and score the result against the references.
#    What is the BLEU?
# 2. Compute the 95% interval of the exact matches, if 90 of 100 sentences are right, and if 900 of
#    1,000 are.
# 3. Write a translator that looks up the training sentence with the most similar words. How good is
#    its BLEU?
#
# Solutions: [`solutions/quickstart.py`](solutions/quickstart.py), which
# `python chapters/solutions quickstart` runs.
