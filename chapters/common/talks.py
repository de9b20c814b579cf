"""Code for the book's four chapters on the TED talks.

Two of them train and two translate, without attention and with it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from common.more_pairs import read_more_pairs
from common.plots import show
from common.run import Run, identity, sides
from common.settings import ANOTHER_CORPUS
from common.talks_settings import TalksSettings, TranslationSettings
from tf_seq2seq import data, evaluation, plotting, serving, text, training
from tf_seq2seq.cli.lines import translate_lines, typed_lines
from tf_seq2seq.errors import InputError
from tf_seq2seq.losses import SequenceCrossEntropy
from tf_seq2seq.models import Seq2Seq
from tf_seq2seq.translation import Translation
from tf_seq2seq.translator import Translator

# --- Training -------------------------------------------------------------------------------------


class Talks(NamedTuple):
    """The talks, ready for a model.

    Attributes:
        pairs: the sentence pairs to train on.
        train, dev: batches, see `data.batches`.
        samples: sentence pairs that are not trained on.
        test_sets: sentence pairs by the name of their set.
        english, chinese: the tokenizers of the two sides.
    """

    pairs: data.Pairs
    train: tf.data.Dataset
    dev: tf.data.Dataset
    samples: data.Pairs
    test_sets: dict[str, data.Pairs]
    english: text.Tokenizer
    chinese: text.Tokenizer


def load(settings: TalksSettings) -> Talks:
    """Read the corpus, build its vocabularies and batches, and print their sizes."""
    book = settings.recipe == "book"
    if settings.preset == "quick":
        corpus = data.synthetic_corpus(train=16_000)
        test_sets = {"test": corpus.test}
    else:
        corpus = data.public_corpus("ted", settings.data_dir)
        test_sets = {
            name: data.public_corpus("ted", settings.data_dir, test_sets=[name]).test
            for name in data.TED_TEST_SETS
        }
    corpus = corpus._replace(train=_with_more(corpus.train, settings))
    english = text.WordTokenizer() if book else text.SubwordTokenizer()
    chinese = text.ChineseTokenizer(keep_spaces=False)  # docs/results.md was measured with it
    english.adapt(corpus.train.source, max_size=settings.source_size)
    chinese.adapt(corpus.train.target, max_size=settings.target_size)
    print(f"{english.vocabulary_size} English and {chinese.vocabulary_size} Chinese tokens")

    def batches(pairs, **options):
        return data.batches(pairs, english, chinese, batch_size=settings.batch_size, **options)

    train = batches(
        corpus.train,
        max_length=settings.max_length,
        num_buckets=1 if book else None,
        shuffle_seed=settings.seed,
        report=print,
    )
    # The dev set keeps its long sentences.
    dev = batches(corpus.dev, max_length=250)
    return Talks(corpus.train, train, dev, corpus.dev[:5], test_sets, english, chinese)


def _with_more(pairs: data.Pairs, settings: TalksSettings) -> data.Pairs:
    """Append the other corpora, print how many pairs each has, and take the first `pairs`."""
    parts = [("the synthetic corpus" if settings.preset == "quick" else "TED", pairs)]
    if settings.corpus == "ted+tatoeba":
        parts.append(("Tatoeba", data.public_corpus("tatoeba", settings.data_dir).train))
    if settings.more_source is not None:
        parts.append((settings.more_source.name, read_more_pairs(settings)))
    source, target = (
        [sentence for _, part in parts for sentence in getattr(part, side)]
        for side in ("source", "target")
    )
    pairs = data.Pairs(source, target)[: settings.pairs]
    counts = ", ".join(f"{len(part):,} of {name}" for name, part in parts)
    print(f"Sentence pairs: {counts}; {len(pairs):,} are used")
    return pairs


class Trained(NamedTuple):
    """The result of training.

    Attributes:
        model: the model that was trained, on all replicas.
        translator: a translator with its weights, on one device and in float32.
        history: see `training.fit`.
    """

    model: Seq2Seq
    translator: Translator
    history: training.History


class SaveWithFirstCheckpoint(keras.callbacks.Callback):
    """Save a translator together with the first checkpoint of its training.

    Until then, its folder may still hold the translator of an earlier run, whose checkpoints have
    not been removed yet either.

    Args:
        save: saves the translator, whose weights will be read from a checkpoint instead.
        checkpoints: the directory of the checkpoints.
    """

    def __init__(self, save: Callable[[], None], checkpoints: Path):
        super().__init__()
        self.save = save
        self.checkpoints = checkpoints

    def on_train_begin(self, logs=None):
        self._earlier = self._written()
        self._saved = not self._earlier
        if self._saved:
            self.save()

    def on_train_batch_begin(self, batch, logs=None):
        if not self._saved and self._written() != self._earlier:
            self.save()
            self._saved = True

    def _written(self) -> dict[Path, float]:
        return {path: path.stat().st_mtime for path in self.checkpoints.glob("epoch-*-step-*")}


def train(
    build: Callable[[], Seq2Seq], corpus: Talks, settings: TalksSettings, run: Run
) -> Trained:
    """Build and train a model, and save a translator with its weights.

    The translator's configuration and tokenizers are saved with the first checkpoint, so that
    checkpoints can be used before the training ends.

    Args:
        build: builds the model.
        corpus: the sentence pairs to train on.
        settings: the chapter's settings.
        run: the chapter's run.
    """
    with run.strategy.scope():
        keras.config.set_dtype_policy(settings.precision)
        model = build()
        _compile(model, settings, steps=settings.epochs * len(corpus.train))
    print(f"The model has {model.count_params():,} parameters.")

    keras.config.set_dtype_policy("float32")
    translator = Translator(
        build(), corpus.english, corpus.chinese, max_source_length=200, max_target_length=150
    )
    folder = settings.output_dir / "translator"

    def save():
        translator.save(folder, card=model_card(settings), sentences=corpus.samples.source)

    checkpoints = settings.output_dir / "checkpoint"
    history = training.fit(
        model,
        corpus.train,
        corpus.dev,
        epochs=settings.epochs,
        directory=checkpoints,
        resume=settings.resume,
        settings=identity(settings, sides(corpus.pairs), corpus.english, corpus.chinese),
        keep_checkpoints=settings.keep_checkpoints,
        checkpoint_every="auto",
        callbacks=[SaveWithFirstCheckpoint(save, checkpoints)],
    )
    translator.model.set_weights(model.get_weights())
    save()
    return Trained(model, translator, history)


def describe_data(settings: TalksSettings) -> str:
    """Return the names of the corpora that a model is trained on."""
    names = ["synthetic corpus" if settings.preset == "quick" else "TED talks (IWSLT 2017)"]
    if settings.corpus == "ted+tatoeba":
        names.append("Tatoeba")
    if settings.more_source is not None:
        names.append(settings.more_source.name)
    return ", ".join(names)


def model_card(settings: TalksSettings) -> dict[str, Any]:
    """Return what the model card says about the training."""
    return {"data": describe_data(settings), "languages": {"source": "en", "target": "zh"}}


def _compile(model: Seq2Seq, settings: TalksSettings, steps: int) -> None:
    if settings.recipe == "book":
        optimizer = keras.optimizers.SGD(settings.learning_rate, global_clipnorm=5.0)
        loss = SequenceCrossEntropy(average="sentences")
    else:
        rate = training.WarmupHoldCosine(settings.learning_rate, steps, warmup=steps // 20)
        optimizer = training.FusedAdam(rate, global_clipnorm=1.0)
        loss = SequenceCrossEntropy(label_smoothing=0.1)
    model.compile(optimizer, loss)


def measure(
    trained: Trained, corpus: Talks, settings: TalksSettings, book: Mapping[int, float]
) -> None:
    """Print and plot the losses, and print perplexities, BLEU and some translations.

    Args:
        trained: the result of the training.
        corpus: the sentence pairs to translate.
        settings: the chapter's settings.
        book: the book's losses per token, by the number of the step.
    """
    _compare_losses(trained.history.step_losses, book, settings)
    print("\nDev perplexity after each epoch:", end=" ")
    print(*(f"{value:.2f}" for value in trained.history.history["val_perplexity"]), end="\n\n")
    hypotheses = {}
    for name, pairs in corpus.test_sets.items():
        print(f"{name}: {len(pairs):,} sentences")
        translations = trained.translator(pairs.source, verbose=1)
        hypotheses[name] = [translation.text for translation in translations]
    references = {name: pairs.target for name, pairs in corpus.test_sets.items()}
    print(evaluation.bleu_of_sets(hypotheses, references, settings.tokenize))

    def joined(sets):
        return [sentence for sentences in sets.values() for sentence in sentences]

    sources = joined({name: pairs.source for name, pairs in corpus.test_sets.items()})
    report = evaluation.translation_report(
        joined(hypotheses), joined(references), sources, settings.tokenize
    )
    print(f"\n{report}")
    translations = trained.translator(corpus.samples.source)
    for (sentence, reference), translation in zip(corpus.samples, translations, strict=True):
        print(f"\nsource:      {sentence}")
        print(f"translation: {translation.text}")
        print(f"reference:   {reference}")


def _compare_losses(losses: Sequence[float], book, settings) -> None:
    if settings.preset == "quick":
        print(f"\n{ANOTHER_CORPUS}")
    else:
        print(f"\nTrained on: {describe_data(settings)}. The book: 180,000 pairs of TED talks.")
    print("\n         loss per token\n   step     here  in the book")
    for step in sorted({*book, len(losses)}):
        here, in_book = "-", f"{book[step]:.3f}" if step in book else "-"
        if step <= len(losses):
            printed = losses[: max(step, 1) : 10][-20:]
            here = f"{sum(printed) / len(printed):.3f}"
        print(f"{step:7,} {here:>8} {in_book:>12}")
    plot = settings.output_dir / "losses.png"
    # The book's losses belong to a different corpus than the synthetic one.
    points = None if settings.preset == "quick" else book
    figure = plotting.step_losses({"here": losses}, points, "printed in the book")
    show(figure, plot, "Losses: ")


def export(translator: Translator, settings: TalksSettings) -> None:
    """Export a translator to `model_dir`, and print where it and its SavedModel are."""
    model_dir = settings.model_dir or settings.output_dir / "saved_model"
    exported = serving.export(translator, model_dir, card=model_card(settings))
    print(f"\nTranslator: {settings.output_dir / 'translator'}")
    print(f"SavedModel: {exported}")


# --- Translating ----------------------------------------------------------------------------------

EXAMPLE = "The book that I bought yesterday is very interesting."
BOOK_SENTENCE = "This is a test ."
BOOK_IDS = [90, 13, 9, 689, 4, 2]
BOOK_TRANSLATION = "这是一个测试。"
BOOK_TRANSLATION_IDS = [1, 10, 7, 9, 12, 411, 271, 6, 2]


def open_translator(
    settings: TranslationSettings, chapter: str
) -> Translator | serving.SavedTranslator:
    """Return a translator from the last checkpoint or from a SavedModel.

    Args:
        settings: the chapter's settings.
        chapter: the file name of the chapter that trains. The preset `quick` runs it if nothing is
            trained yet.

    Raises:
        InputError: if nothing is trained, or the files cannot be used.
    """
    if settings.model_dir:
        saved = serving.SavedTranslator(settings.model_dir)
        print(f"SavedModel: {saved.directory}")
        return saved
    folder = settings.trained_dir
    if not (folder / "translator").exists():
        if settings.preset != "quick":
            raise InputError(
                f"No translator was found in {folder}: train one first with chapters/"
                f"{chapter} --preset {settings.preset}, or set --trained-dir."
            )
        print(f"No translator was found in {folder}. Training one with {chapter}: about a minute.")
        script = Path(__file__).parents[1] / chapter
        code = subprocess.run([sys.executable, script, "--output-dir", folder]).returncode
        if code:
            sys.exit(code)
    translator = Translator.load(folder / "translator")
    checkpoint = training.Checkpoint(folder / "checkpoint")
    progress = checkpoint.restore_weights(translator.model)
    print(f"Checkpoint: {checkpoint.directory}, after {len(progress['step_losses'])} steps")
    return translator


def print_book_sentence(
    translator: Translator | serving.SavedTranslator, settings: TranslationSettings
) -> None:
    """Translate the book's sentence, and print text and ids next to the book's.

    With `data_dir`, also print the ids in the book's vocabularies. The book's ids are smaller by
    one than the ids here, which start with `<pad>`.
    """
    (translation,) = translator([BOOK_SENTENCE])
    if settings.preset == "quick" and settings.model_dir is None:
        print(f"\n{ANOTHER_CORPUS}")
    print(f"\nsource:       {BOOK_SENTENCE}")
    print(f"translation:  {translation.text}")
    print(f"in the book:  {BOOK_TRANSLATION}")
    if isinstance(translator, Translator):
        source = [*translator.source_tokenizer.encode([BOOK_SENTENCE]).to_list()[0], text.EOS_ID]
        index = translator.target_tokenizer.vocabulary.index
        target = [text.SOS_ID, *map(index, translation.target_tokens)]
        print(f"ids here:     {source} -> {target}")
    print(f"in the book:  {BOOK_IDS} -> {BOOK_TRANSLATION_IDS}")
    if settings.data_dir:

        def ids(tokens, language):
            vocabulary = data.book_vocabulary(language, settings.data_dir)
            return [vocabulary.index(token) - 1 for token in tokens]

        source = ids([*BOOK_SENTENCE.split(), "<eos>"], "en")
        target = ids(["<sos>", *translation.text, "<eos>"], "zh")
        print(f"by its lists: {source} -> {target}")


def print_translation(
    translator: Translator | serving.SavedTranslator, settings: TranslationSettings
) -> Translation:
    """Translate one sentence, print it, and return its translation.

    The sentence is `--sentence`, or a default that suits the preset's corpus.
    """
    sentence = settings.sentence
    if sentence is None:
        sentence = EXAMPLE if settings.preset == "quick" else BOOK_SENTENCE
    (translation,) = translator([sentence])
    print(f"\nsource:       {sentence}")
    print(f"translation:  {translation.text}")
    return translation


def translate_inputs(
    translator: Translator | serving.SavedTranslator, settings: TranslationSettings
) -> None:
    """Translate the file, if one is given, and the sentences that the user types.

    At a terminal, typing is the default without `--sentence` and `--file`.
    """
    if settings.file:
        print()
        lines = translate_lines(translator, data.read_lines(settings.file), settings.output)
        if settings.output is None:
            print(*lines, sep="\n")
        else:
            print(f"Translated {len(lines)} lines of {settings.file} to {settings.output}.")
    if settings.interactive or (sys.stdin.isatty() and not (settings.sentence or settings.file)):
        print("\nType English sentences; Ctrl-D ends.")
        for line in typed_lines("> "):
            print(translator([line])[0].text)
