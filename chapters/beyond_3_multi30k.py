# %% [markdown]
# Beyond the book, 3: Multi30k, German to English, where results can be compared.
#
# 29,000 descriptions of pictures, and a test set, test2016, on which many have reported BLEU. Three
# plain systems are those of well-known PyTorch tutorials, which report 13.8, 20.6 and 28.3:
#
#     lstm        two layers of LSTM, c starts the decoder (S3; Sutskever et al. 2014)
#     gru         c goes into every step (S4; Cho et al. 2014)
#     attention   a bidirectional GRU and additive attention (S5; Bahdanau et al. 2015)
#
# with embeddings of 256, states of 512 and 10 epochs. The first two read the source from its end to
# its start, so that the decoder begins with what was read last. The fourth, `tuned`, is the third
# with what the field has learned since.
#
#     --preset quick    the package's own corpus, offline, small and short: that all of it runs
#     --preset plain    the three plain systems, side by side
#     --preset tuned    the tuned system
#
# Systems that were trained apart, by runs with another --seed and --output-dir, translate together
# with --ensemble DIR,DIR (the folders of their translators) and the rest of their command line.
#
# The same commands train other pairs of languages: --corpus tatoeba (English to Chinese), or
# --corpus files --source FILE --target FILE

# %%
import dataclasses
import json
import time
from pathlib import Path

import keras

import tf_seq2seq as s2s
from common.settings import TrainingSettings
from tf_seq2seq.cli.settings import from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings(TrainingSettings):
    """Train systems on Multi30k, or on any pair of languages, and compare them."""

    output_dir: Path = setting(Path("output/beyond_3"), "where checkpoints and results go")
    preset: str = setting("quick", "which set of defaults")
    corpus: str = setting(
        "synthetic", "the sentence pairs", choices=("synthetic", *s2s.data.PUBLIC_CORPORA, "files")
    )
    source: Path | None = setting(None, "with --corpus files: one sentence a line")
    target: Path | None = setting(None, "the translations of --source, line by line")
    dev: str | None = setting(
        None, "SOURCE,TARGET: the files to choose by (without it: 500 pairs are split off)"
    )
    test: str | None = setting(
        None, "SOURCE,TARGET: the files to report on (without it: 1000 pairs are split off)"
    )
    systems: str = setting("lstm,gru,attention,tuned", "which systems, by their names")
    ensemble: str | None = setting(
        None, "DIR,DIR: instead of training, measure these translators as one"
    )
    lowercase: bool = setting(False, "translate and score without case")
    units: int = setting(64, "width of the states", least=2)
    embedding_size: int = setting(32, "width of the embeddings", least=1)
    dropout: float = setting(0.2, "share of the recipes' dropout that is applied", least=0, most=1)
    batch_size: int = setting(32, "sentence pairs of a batch, over all replicas", least=1)
    epochs: int = setting(2, "passes over the training pairs", least=1)
    learning_rate: float = setting(0.006, "of Adam, at its highest", least=0)
    beam_width: int = setting(5, "hypotheses of the second result", least=1)
    length_penalty: float = setting(1.0, "alpha of the second result", least=0)
    precision: str = setting(
        "float32", "of the matrix products in training", choices=("float32", "mixed_bfloat16")
    )


MULTI30K = {
    "corpus": "multi30k",
    "lowercase": True,
    "units": 512,
    "embedding_size": 256,
    "dropout": 1.0,
    "learning_rate": 0.001,
    "precision": "mixed_bfloat16",
}
PRESETS = {
    "quick": {},
    "plain": {
        **MULTI30K,
        "systems": "lstm,gru,attention",
        "dropout": 0.4,
        "batch_size": 64,
        "epochs": 10,
    },
    "tuned": {**MULTI30K, "systems": "tuned", "batch_size": 96, "epochs": 20},
}
# BLEU, and the perplexity of a token of their vocabularies.
REPORTED = {"lstm": "13.8 (43.8)", "gru": "20.6 (37.5)", "attention": "28.3 (25.6)"}

settings = from_command_line(Settings, presets=PRESETS)
strategy = s2s.training.strategy(settings.strategy)
systems = settings.systems.split(",")
for system in systems:
    if system not in ("lstm", "gru", "attention", "tuned"):
        raise s2s.InputError(
            f"There is no system {system!r}: --systems takes lstm, gru, attention and tuned."
        )
settings.output_dir.mkdir(parents=True, exist_ok=True)
started = time.monotonic()

# %% [markdown]
# ## Sentence pairs


# %%
def held_out(name):
    """The two files of a part that --dev or --test names, by the part's name; or nothing."""
    value = getattr(settings, name)
    if value is not None and value.count(",") != 1:
        raise s2s.InputError(f"--{name} takes two files with a comma between them, got {value!r}.")
    return {} if value is None else {name: tuple(value.split(","))}


if settings.corpus == "synthetic":
    corpus = s2s.data.synthetic_corpus(train=4_000, dev=200, test=200)
elif settings.corpus in s2s.data.PUBLIC_CORPORA:
    corpus = s2s.data.public_corpus(settings.corpus, settings.data_dir)
elif settings.source and settings.target:
    parts = held_out("dev") | held_out("test")
    # The same split for every --seed, so that models of several seeds can be measured together.
    corpus = s2s.data.read_corpus(settings.source, settings.target, **parts)
else:
    raise s2s.InputError("--corpus files needs --source and --target.")

# %% [markdown]
# ## Four systems
# The plain ones read words that occur twice or more, the tuned one subwords. Its other means are
# dropout of several kinds, whole words among them; logits from a narrow readout with the embeddings
# as its matrix; smoothed labels; batches of sentences of like length; and a rate that stays up for
# long and then goes down along a cosine.

# %%
UNITS, EMBEDDING = settings.units, settings.embedding_size


def tokenizers(system):
    sides = corpus.train.source, corpus.train.target
    if system == "tuned":
        kinds = [type(s2s.text.tokenizer_for(side))(lowercase=settings.lowercase) for side in sides]
        sizes = {"max_size": 7_000}, {"max_size": 6_000}
    else:
        kinds = [s2s.text.WordTokenizer(lowercase=settings.lowercase) for _ in range(2)]
        if s2s.text.is_chinese(sides[1]):
            kinds[1] = s2s.text.ChineseTokenizer(lowercase=settings.lowercase)
        sizes = {"min_count": 2}, {"min_count": 2}
    for tokenizer, lines, size in zip(kinds, sides, sizes, strict=True):
        tokenizer.adapt(lines, **size)
    return kinds


def build(system, source_size, target_size):
    share = settings.dropout
    if system == "lstm":
        stack = {
            "cell": "lstm",
            "num_layers": 2,
            "embedding_size": EMBEDDING,
            "dropout": 0.5 * share,
        }
        return s2s.Seq2Seq(
            s2s.Encoder(source_size, UNITS, go_backwards=True, **stack),
            s2s.Decoder(target_size, UNITS, **stack),
            bridge="copy",
        )
    if system == "gru":
        return s2s.Seq2Seq(
            s2s.Encoder(
                source_size, UNITS, embedding_size=EMBEDDING, go_backwards=True, dropout=0.5 * share
            ),
            s2s.Decoder(
                target_size,
                UNITS,
                embedding_size=EMBEDDING,
                feeding="context_and_previous",
                dropout=0.5 * share,
            ),
            bridge="copy",
        )
    if system == "attention":
        return s2s.Seq2Seq(
            s2s.Encoder(
                source_size,
                UNITS,
                embedding_size=EMBEDDING,
                bidirectional=True,
                dropout=0.5 * share,
            ),
            s2s.Decoder(
                target_size,
                UNITS,
                embedding_size=EMBEDDING,
                attention=s2s.BahdanauAttention(UNITS),
                query="previous_state",
                dropout=0.5 * share,
            ),
        )
    return s2s.Seq2Seq(
        s2s.Encoder(
            source_size,
            UNITS,
            embedding_size=EMBEDDING,
            bidirectional=True,
            dropout=0.2 * share,
            embedding_dropout=0.3 * share,
            word_dropout=0.1 * share,
        ),
        s2s.Decoder(
            target_size,
            UNITS,
            embedding_size=EMBEDDING,
            attention=s2s.BahdanauAttention(UNITS // 2),
            query="previous_state",
            readout_activation=None,
            tie_embeddings=True,
            dropout=0.4 * share,
            embedding_dropout=0.3 * share,
            word_dropout=0.1 * share,
        ),
    )


def compile_(system, model, steps):
    if system != "tuned":
        model.compile(keras.optimizers.Adam(settings.learning_rate, global_clipnorm=1.0))
        return
    warmup = max(min(300, steps // 10), 1)
    rate = s2s.training.WarmupHoldCosine(
        settings.learning_rate, steps, warmup=warmup - 1, hold=0.4, start=1 / warmup, end=0.02
    )
    model.compile(
        keras.optimizers.Adam(rate, beta_2=0.98, global_clipnorm=1.0),
        s2s.SequenceCrossEntropy(label_smoothing=0.1),
    )


# %% [markdown]
# ## Training and measuring one of them
# Greedy and with a beam, on the dev set and on the test set, which is looked at in the end only.


# %%
def run(system):
    keras.utils.set_random_seed(settings.seed)
    source_tokenizer, target_tokenizer = tokenizers(system)
    sizes = source_tokenizer.vocabulary_size, target_tokenizer.vocabulary_size
    directory = settings.output_dir / system

    def batches(pairs, **options):
        return s2s.data.batches(
            pairs, source_tokenizer, target_tokenizer, batch_size=settings.batch_size, **options
        )

    train = batches(corpus.train, shuffle_seed=settings.seed)
    keras.config.set_dtype_policy(settings.precision)
    with strategy.scope():
        model = build(system, *sizes)
        compile_(system, model, settings.epochs * len(train))
    history = s2s.training.fit(
        model,
        train,
        batches(corpus.dev, max_length=100),
        epochs=settings.epochs,
        directory=directory / "checkpoint",
        resume=settings.resume,
        checkpoint_every=200,
    )
    s2s.plotting.learning_curves(history).savefig(directory / "learning_curves.png")

    # What translates has weights of its own, on one device and in full precision.
    keras.config.set_dtype_policy("float32")
    single = build(system, *sizes)
    single.set_weights(model.get_weights())
    translator = s2s.Translator(single, source_tokenizer, target_tokenizer)
    translator.save(directory / "translator")
    return translator, history


def report(translator, pairs, **options):
    translations = translator(pairs.source, verbose=1, **options)
    scored = translator.score(pairs.source, pairs.target)
    perplexity = s2s.evaluation.corpus_perplexity(
        (each.score for each in scored), (len(each.target_tokens) for each in scored)
    )
    return s2s.evaluation.translation_report(
        [translation.text for translation in translations],
        pairs.target,
        pairs.source,
        lowercase=settings.lowercase,
        perplexity=perplexity,
    )


# %% [markdown]
# ## All of them, or several as one

# %%
beam = {"beam_width": settings.beam_width, "length_penalty": settings.length_penalty}
rows = []
results = "results.json" if settings.ensemble is None else "ensemble.json"


def measure(name, translator, minutes):
    dev_greedy, dev_beam = report(translator, corpus.dev), report(translator, corpus.dev, **beam)
    greedy, with_beam = report(translator, corpus.test), report(translator, corpus.test, **beam)
    print(f"\nThe test set, with a beam of {settings.beam_width}: {with_beam}")
    rows.append(
        {
            "system": name,
            "weights": translator.model.count_params(),
            "minutes": minutes,
            "perplexity": greedy.perplexity,
            "dev_greedy": dev_greedy.bleu.value,
            "dev_beam": dev_beam.bleu.value,
            "greedy": greedy.bleu.figure,
            "beam": with_beam.bleu.figure,
            "signature": greedy.bleu.signature,
        }
    )
    (settings.output_dir / results).write_text(json.dumps(rows, indent=1))


if settings.ensemble is None:
    for system in systems:
        print(f"\n{system}")
        translator, history = run(system)
        measure(system, translator, history.seconds / 60)
else:
    members = [s2s.Translator.load(directory) for directory in settings.ensemble.split(",")]
    measure("ensemble", s2s.Translator.ensemble(members), None)

# %% [markdown]
# ## The table

# %%
print(f"\nBLEU, {rows[0]['signature']}")
print(f"beam: {settings.beam_width} hypotheses, length penalty {settings.length_penalty}")
columns = "{:10} {:>10} {:>8} {:>8} {:>7} {:>7} {:>15} {:>15} {:>12}"
print(columns.format(*("", "weights", "minutes", "ppl", "dev", "beam", "test", "beam", "reported")))
reported = REPORTED if settings.corpus == "multi30k" else {}
for row in rows:
    print(
        columns.format(
            row["system"],
            f"{row['weights']:,}",
            "" if row["minutes"] is None else f"{row['minutes']:.1f}",
            f"{row['perplexity']:.2f}",
            f"{row['dev_greedy']:.2f}",
            f"{row['dev_beam']:.2f}",
            row["greedy"],
            row["beam"],
            reported.get(row["system"], ""),
        )
    )
print(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")
