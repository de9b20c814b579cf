"""What the book's four chapters on the TED talks share.

Two train and two translate, without attention and with it. What differs is their story, and stands
there; what does not is here.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from common.settings import TrainingSettings
from tf_seq2seq import data, evaluation, serving, text, training
from tf_seq2seq.cli.lines import translate_lines, typed_lines
from tf_seq2seq.cli.settings import setting
from tf_seq2seq.errors import InputError
from tf_seq2seq.losses import SequenceCrossEntropy
from tf_seq2seq.models import Seq2Seq
from tf_seq2seq.translator import Translator

# --- Training -------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class TalksSettings(TrainingSettings):
    """What a chapter that trains a translator of talks can be told."""

    preset: str = setting("quick", "which set of defaults")
    recipe: str = setting(
        "tuned",
        "the model and the optimizer of the book, or better ones",
        choices=("book", "tuned"),
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


def presets(output_dir: Path) -> dict[str, dict[str, Any]]:
    """The settings of the presets `quick`, `book` and `tuned`, with a folder for each.

    `quick` is for the package's own sentences, the two others for the talks.
    """
    return {
        "quick": {"output_dir": output_dir / "quick"},
        "book": {
            "recipe": "book",
            "output_dir": output_dir / "book",
            "source_size": 10_001,  # the book's 10,000 and <pad>
            "units": 1024,
            "dropout": 0.2,
            "epochs": 5,
            "learning_rate": 1.0,
        },
        "tuned": {
            "output_dir": output_dir / "tuned",
            "units": 512,
            "embedding_size": 256,
            "dropout": 0.3,
            "max_length": 60,
            "epochs": 5,
            "learning_rate": 0.002,
            "precision": "mixed_bfloat16",
        },
    }


class Talks(NamedTuple):
    """The talks as a model reads them.

    Attributes:
        train, dev: batches, see `data.batches`.
        samples: sentence pairs that are not trained on.
        test_sets: sentence pairs by the name of their set.
        english, chinese: the tokenizers of the two sides.
    """

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
    english = text.WordTokenizer() if book else text.SubwordTokenizer()
    chinese = text.ChineseTokenizer()
    english.adapt(corpus.train.source, max_size=settings.source_size)
    chinese.adapt(corpus.train.target, max_size=settings.target_size)
    print(f"{english.vocabulary_size} English and {chinese.vocabulary_size} Chinese tokens")

    def batches(pairs, **options):
        return data.batches(pairs, english, chinese, batch_size=settings.batch_size, **options)

    train = batches(
        corpus.train,
        max_length=settings.max_length,
        num_buckets=1 if book else 8,
        shuffle_seed=settings.seed,
        report=print,
    )
    # The dev set keeps its long sentences.
    dev = batches(corpus.dev, max_length=250)
    return Talks(train, dev, corpus.dev[:5], test_sets, english, chinese)


def compile_model(model: Seq2Seq, settings: TalksSettings, steps: int) -> None:
    """Give a model the optimizer and the loss of its recipe.

    The book takes steps of gradient descent: a step is the gradient of the loss summed over a
    sentence, times 1.0, and cut to a length of 5. The tuned recipe takes Adam, whose rate goes up
    and then down along a cosine, on the loss per token, with smoothed labels.

    Args:
        model: the model.
        settings: the chapter's.
        steps: how many steps the training has.
    """
    if settings.recipe == "book":
        optimizer = keras.optimizers.SGD(settings.learning_rate, global_clipnorm=5.0)
        loss = SequenceCrossEntropy(average="sentences")
    else:
        rate = training.WarmupHoldCosine(settings.learning_rate, steps, warmup=steps // 20)
        optimizer = keras.optimizers.Adam(rate, global_clipnorm=1.0)
        loss = SequenceCrossEntropy(label_smoothing=0.1)
    model.compile(optimizer, loss)


def train(
    model: Seq2Seq, translator: Translator, talks: Talks, settings: TalksSettings
) -> training.History:
    """Train a model, and give its weights to the translator, which is saved.

    The translator's form is saved as soon as the training begins, so that its checkpoints can be
    used while it is under way.

    Args:
        model: a compiled model.
        translator: with a model of the same form.
        talks: what to train on.
        settings: the chapter's.
    """
    folder = settings.output_dir / "translator"
    save_form = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: translator.save(folder))
    history = training.fit(
        model,
        talks.train,
        talks.dev,
        epochs=settings.epochs,
        directory=settings.output_dir / "checkpoint",
        resume=settings.resume,
        checkpoint_every=200,
        callbacks=[save_form],
    )
    translator.model.set_weights(model.get_weights())
    translator.save(folder)
    return history


def print_losses(losses: Sequence[float], book: Mapping[int, float]) -> None:
    """Print the losses of a token beside the book's, at the same steps.

    The book prints the loss in every tenth step. Its figure for an epoch is the mean of the last
    20 printed, and so is ours.

    Args:
        losses: of each training step.
        book: the book's, by the number of the step.
    """
    print("\n         loss per token")
    print("   step     here  in the book")
    for step in sorted({*book, len(losses)}):
        here, in_book = "-", f"{book[step]:.3f}" if step in book else "-"
        if step <= len(losses):
            printed = losses[: max(step, 1) : 10][-20:]
            here = f"{sum(printed) / len(printed):.3f}"
        print(f"{step:7,} {here:>8} {in_book:>12}")


def measure(translator: Translator, talks: Talks) -> None:
    """Translate the test sets and some samples, and print BLEU and the samples."""
    print()
    hypotheses = {}
    for name, pairs in talks.test_sets.items():
        print(f"{name}: {len(pairs):,} sentences")
        translations = translator(pairs.source, verbose=1)
        hypotheses[name] = [translation.text for translation in translations]
    references = {name: pairs.target for name, pairs in talks.test_sets.items()}
    print(evaluation.bleu_of_sets(hypotheses, references, "zh"))

    def joined(sets):
        return [sentence for sentences in sets.values() for sentence in sentences]

    sources = joined({name: pairs.source for name, pairs in talks.test_sets.items()})
    print(f"\n{evaluation.translation_report(joined(hypotheses), joined(references), sources)}")
    translations = translator(talks.samples.source)
    for (sentence, reference), translation in zip(talks.samples, translations, strict=True):
        print(f"\nsource:      {sentence}")
        print(f"translation: {translation.text}")
        print(f"reference:   {reference}")


# --- Translating ----------------------------------------------------------------------------------

EXAMPLE = "The book that I bought yesterday is very interesting."
BOOK_SENTENCE = "This is a test ."
BOOK_IDS = [90, 13, 9, 689, 4, 2]
BOOK_TRANSLATION = "这是一个测试。"
BOOK_TRANSLATION_IDS = [1, 10, 7, 9, 12, 411, 271, 6, 2]


@dataclasses.dataclass(frozen=True)
class TranslationSettings:
    """What a chapter that translates can be told; it says itself where the training lies."""

    preset: str = setting("quick", "which set of defaults")
    trained_dir: Path = setting(
        Path(), "the output directory of the chapter that trains: its last checkpoint"
    )
    model_dir: Path | None = setting(None, "a SavedModel to translate with, instead")
    sentence: str | None = setting(None, "a sentence to translate")
    file: Path | None = setting(None, "a file to translate, one sentence a line")
    output: Path | None = setting(None, "where the translations of the file go (without it: here)")
    interactive: bool = setting(False, "translate what is typed, until Ctrl-D")
    data_dir: Path | None = setting(
        None, "folder with the book's vocabularies, book-vocab.en and book-vocab.zh, for its ids"
    )


def trained_presets(output_dir: Path) -> dict[str, dict[str, Any]]:
    """For each preset of a training, where it has put what it trained."""
    return {
        name: {"trained_dir": settings["output_dir"]}
        for name, settings in presets(output_dir).items()
    }


def open_translator(
    settings: TranslationSettings, chapter: Path
) -> Translator | serving.SavedTranslator:
    """A translator with the weights of a checkpoint, or a SavedModel.

    Args:
        settings: the chapter's.
        chapter: the chapter that trains; with the preset `quick` it is run where nothing is
            trained yet.

    Raises:
        InputError: if nothing is trained, or what is there cannot be used.
    """
    if settings.output and not settings.file:
        raise InputError(f"--output {settings.output} is for the translations of a --file: give it")
    if settings.model_dir:
        saved = serving.SavedTranslator(settings.model_dir)
        print(f"SavedModel: {saved.directory}")
        return saved
    folder = settings.trained_dir
    if not (folder / "translator").exists():
        if settings.preset != "quick":
            raise InputError(
                f"There is no translator in {folder}: train it first, with chapters/"
                f"{chapter.name} --preset {settings.preset}, or give --trained-dir."
            )
        print(f"There is no translator in {folder} yet: {chapter.name} trains it, in a minute.")
        code = subprocess.run([sys.executable, chapter, "--output-dir", folder]).returncode
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
    """Translate the book's sentence, and print text and ids beside the book's.

    Ids depend on the corpus that the vocabulary was made of, so ours are not the book's. The
    book's own lists (`--data-dir`) give its ids, which are one less than ours would be: we have
    `<pad>` in front.
    """
    (translation,) = translator([BOOK_SENTENCE])
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


def translate_file(
    translator: Translator | serving.SavedTranslator, file: Path, output: Path | None
) -> None:
    """Translate a file line by line.

    Args:
        translator: what translates.
        file: one sentence a line.
        output: where the translations go; None to print them.
    """
    print()
    lines = translate_lines(translator, data.read_lines(file), output)
    if output is None:
        print(*lines, sep="\n")
    else:
        print(f"{len(lines)} lines of {file} are translated in {output}.")


def translate_typed(translator: Translator | serving.SavedTranslator) -> None:
    """Translate what is typed, until Ctrl-D."""
    print("\nEnglish sentences, please; Ctrl-D ends.")
    for line in typed_lines("> "):
        print(translator([line])[0].text)
