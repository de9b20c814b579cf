# %% [markdown]
# Quickstart: train a translator with attention, look at it, export it, reload it.
#
#     text -> ids -> batches -> encoder -> decoder -> search -> text
#
# Without arguments it learns English -> Chinese on the package's own corpus, in a few minutes on
# two CPU cores. The same script takes pairs of yours: --pairs FILE (one pair a line, source and
# target separated by a tab) or --source FILE --target FILE (one sentence a line).

# %%
import dataclasses
import sys
import time
from pathlib import Path

import keras
import numpy as np

import tf_seq2seq as s2s
from common.settings import strategy_setting
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.serving.serving_api import require_serving_api


@dataclasses.dataclass(frozen=True)
class Settings:
    """Train a translator with attention, translate, plot, export and reload."""

    pairs: Path | None = setting(None, "tab-separated pairs of yours, instead of the own corpus")
    source: Path | None = setting(None, "source sentences of yours; --target has the others")
    target: Path | None = setting(None, "target sentences of yours")
    held_out: int = setting(
        1000, "pairs of yours to hold out for testing; half as many for dev", least=2
    )
    sentence: str | None = setting(None, "one more sentence to translate")
    vocabulary_size: int = setting(6000, "most tokens of either side", least=10)
    max_length: int = setting(50, "longest sentence to train on, in tokens", least=2)
    units: int | None = setting(
        None,
        "width of the decoder, and half of it of each encoder direction (256; yours: 512)",
        least=2,
    )
    embedding_size: int | None = setting(
        None, "width of the word embeddings (128; yours: 256)", least=1
    )
    dropout: float | None = setting(None, "rate of dropout (0.1; yours: 0.3)", least=0, most=0.9)
    epochs: int | None = setting(None, "passes over the training pairs (3; yours: 12)", least=1)
    tokens: int = setting(2048, "size of a batch in tokens of one side, padding included", least=50)
    learning_rate: float = setting(0.003, "highest learning rate of Adam", least=0)
    output_dir: Path = setting(Path("output/quickstart"), "where pictures and checkpoints go")
    model_dir: Path = setting(Path("saved_models/quickstart"), "where the SavedModel goes")
    label: str | None = setting(None, "a label for the version, which its card tells")
    strategy: str = strategy_setting()
    seed: int = setting(1, "seed of the split, the weights and the shuffling")
    resume: bool = setting(False, "go on from the last epoch of an interrupted run")


EXAMPLE = "The book that I bought yesterday is very interesting."
BLEU_WANTED = 90.0  # on the own corpus; an untrained model has less than 1


# %%
settings = from_command_line(Settings)
own_corpus = not (settings.pairs or settings.source)
if bool(settings.source) != bool(settings.target) or (settings.pairs and settings.source):
    raise s2s.InputError("Give either --pairs, or --source together with --target, or neither.")

# The grammar's language is small and regular; a real one takes a larger model and more caution.
if own_corpus:
    recipe = {"units": 256, "embedding_size": 128, "dropout": 0.1, "epochs": 3}
else:
    recipe = {"units": 512, "embedding_size": 256, "dropout": 0.3, "epochs": 12}
missing = {name: value for name, value in recipe.items() if getattr(settings, name) is None}
settings = dataclasses.replace(settings, **missing)

for directory in (settings.output_dir, settings.model_dir):
    directory.mkdir(parents=True, exist_ok=True)
require_serving_api("The export with warm-up requests")  # reports it before the training
started = time.monotonic()
strategy = s2s.training.strategy(settings.strategy)
keras.utils.set_random_seed(settings.seed)

# %% [markdown]
# ## Text and batches
# The pairs come in three parts that share no sentence. A tokenizer for each side turns text
# into ids and back, inside the TensorFlow graph.

# %%
if own_corpus:
    corpus = s2s.data.synthetic_corpus(settings.seed)
else:
    pairs = (
        s2s.data.read_tab_separated(settings.pairs)
        if settings.pairs
        else s2s.data.read_parallel(settings.source, settings.target)
    )
    corpus = s2s.data.split(pairs, settings.held_out // 2, settings.held_out, settings.seed)
source_tokenizer = s2s.text.tokenizer_for(corpus.train.source)
target_tokenizer = s2s.text.tokenizer_for(corpus.train.target)
source_tokenizer.adapt(corpus.train.source, max_size=settings.vocabulary_size)
target_tokenizer.adapt(corpus.train.target, max_size=settings.vocabulary_size)
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
# A bidirectional GRU reads the source: h_i. At each step the decoder's state s asks all the
# h_i, and gets the context c = sum_i alpha_i h_i, alpha = softmax_i U tanh(V h_i + W s).

# %%
with strategy.scope():
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
print(f"The model has {model.count_params():,} weights.")


def test():
    translations = [translation.text for translation in translator(corpus.test.source)]
    return s2s.evaluation.translation_report(translations, corpus.test.target, corpus.test.source)


untrained = test()

# %% [markdown]
# ## Training
# Adam, its rate going up and then down along a cosine; cross-entropy with smoothed labels.

# %%
steps = len(train) * settings.epochs
rate = s2s.training.WarmupHoldCosine(settings.learning_rate, steps, warmup=min(200, steps // 10))
with strategy.scope():
    model.compile(
        keras.optimizers.Adam(rate, global_clipnorm=1.0),
        loss=s2s.SequenceCrossEntropy(label_smoothing=0.1),
    )
history = s2s.training.fit(
    model,
    train,
    batches(corpus.dev),
    epochs=settings.epochs,
    directory=settings.output_dir / "checkpoint",
    resume=settings.resume,
)

# %% [markdown]
# ## What it has learned
# On sentences that it has never seen, against the same model before training.

# %%
trained = test()
print(f"\nHeld-out sentences, before training: {untrained.bleu}")
print(f"Held-out sentences, after training:  {trained}\n")

# Every so many pairs: neighbours in the test part may be translations of one another.
samples = corpus.test[:: max(1, len(corpus.test) // 5)][:5]
sentences, references = list(samples.source), list(samples.target)
more = (settings.sentence or "").strip() or (EXAMPLE if own_corpus else None)
if more:
    sentences.append(more)
    references.append(None)
translations = translator(sentences)
for sentence, reference, translation in zip(sentences, references, translations, strict=True):
    print(f"source:      {sentence}\ntranslation: {translation.text}")
    print(f"reference:   {reference}\n" if reference else "")

# %% [markdown]
# ## Pictures
# The curves of the training, and where each target token took its context from.

# %%
curves = settings.output_dir / "learning_curves.png"
s2s.plotting.learning_curves(history).savefig(curves)
print(f"Learning curves:   {curves}")
for name, translation in (("alignment", translations[-1]), ("alignment_2", translations[0])):
    if not translation.target_tokens:  # of an empty sentence
        continue
    picture = settings.output_dir / f"{name}.png"
    s2s.plotting.alignment(
        translation.source_tokens, translation.target_tokens, translation.alignment
    ).savefig(picture)
    print(f"Alignment:         {picture}")

# %% [markdown]
# ## Export
# A SavedModel for TensorFlow Serving: strings in, strings out. With it go sentences that the server
# translates before it lets anybody ask, and a card. A fresh process, which knows TensorFlow and not
# this package, must give the same translations.

# %%
exported = s2s.serving.export(
    translator,
    settings.model_dir,
    sentences=corpus.dev.source,
    card={
        "languages": {"source": "en", "target": "zh"} if own_corpus else None,
        "labels": [settings.label] if settings.label else [],
        "data": "synthetic corpus" if own_corpus else str(settings.pairs or settings.source),
        "metric": {
            "name": "BLEU",
            "value": trained.bleu.value,
            "signature": trained.bleu.signature,
        },
    },
)
print(f"SavedModel:        {exported}")
reloaded = s2s.serving.run_in_fresh_process(exported, sentences)
same = reloaded["translation"] == [translation.text for translation in translations]
same &= np.allclose(reloaded["score"], [t.score for t in translations], atol=1e-4)
print(f"In a fresh process without the package: {'the same' if same else 'OTHER'} translations")

minutes = (time.monotonic() - started) / 60
print(f"Done in {minutes:.1f} minutes.")
if not same:
    sys.exit(f"The reloaded SavedModel translates otherwise: {reloaded['translation']}")
if own_corpus and trained.bleu.value < BLEU_WANTED:
    sys.exit(f"BLEU is {trained.bleu.value:.1f}, under the {BLEU_WANTED} that a good run reaches.")
