# %% [markdown]
# 9-6 Seq2Seq 模型 测试: translating with what chapter 9-5 has trained.
#
# The decoder starts from the encoder's last state. What it finds most probable is what it writes,
# and what it reads in the next step, until it writes `<eos>`:
#
#     y_0 = <sos>,   y_j = argmax P(y | y_1 ... y_{j-1}, x)
#
#     --preset quick|book|tuned    with the translator that 9-5 trained under this preset
#     --model-dir DIR              with a SavedModel instead
#     --sentence "..."             a sentence of yours
#     --file IN --output OUT       a file, one sentence a line
#     --interactive                sentences as you type them (a terminal's way without the others)

# %%
import dataclasses
import subprocess
import sys
from pathlib import Path

import tf_seq2seq as s2s
from tf_seq2seq.command_line import from_command_line, setting, typed_lines


@dataclasses.dataclass(frozen=True)
class Settings:
    """Translate English into Chinese with a trained translator without attention."""

    preset: str = setting("quick", "which set of defaults")
    trained_dir: Path = setting(
        Path("output/ch09_5/quick"), "the output directory of chapter 9-5: its last checkpoint"
    )
    model_dir: Path | None = setting(None, "a SavedModel to translate with, instead")
    sentence: str | None = setting(None, "a sentence to translate")
    file: Path | None = setting(None, "a file to translate, one sentence a line")
    output: Path | None = setting(None, "where the translations of the file go (without it: here)")
    interactive: bool = setting(False, "translate what is typed, until Ctrl-D")
    data_dir: Path | None = setting(
        None, "folder with the book's vocabularies, book-vocab.en and book-vocab.zh, for its ids"
    )


PRESETS = {
    preset: {"trained_dir": Path("output/ch09_5") / preset} for preset in ("quick", "book", "tuned")
}
EXAMPLE = "The book that I bought yesterday is very interesting."
BOOK_SENTENCE = "This is a test ."
BOOK_IDS = [90, 13, 9, 689, 4, 2]
BOOK_TRANSLATION = "这是一个测试。"
BOOK_TRANSLATION_IDS = [1, 10, 7, 9, 12, 411, 271, 6, 2]

settings = from_command_line(Settings, presets=PRESETS)
if settings.output and not settings.file:
    raise s2s.InputError(f"--output {settings.output} is for the translations of a --file: give it")

# %% [markdown]
# ## A checkpoint, or a SavedModel
# A checkpoint holds the weights; the model's form and the tokenizers lie beside it since the
# training began. So a translator can be tried while it is still in training. A SavedModel holds
# all of this, and the search too: a graph from strings to strings.

# %%
trained_dir = settings.trained_dir
if settings.model_dir:
    translator = s2s.serving.SavedTranslator(settings.model_dir)
    print(f"SavedModel: {translator.directory}")
else:
    if not (trained_dir / "translator").exists():
        if settings.preset != "quick":
            raise s2s.InputError(
                f"There is no translator in {trained_dir}: train it first, with chapters/"
                f"ch09_5_train_seq2seq.py --preset {settings.preset}, or give --trained-dir."
            )
        print(f"There is no translator in {trained_dir} yet: chapter 9-5 trains it, in a minute.")
        chapter = Path(__file__).with_name("ch09_5_train_seq2seq.py")
        subprocess.run([sys.executable, chapter, "--output-dir", trained_dir], check=True)
    translator = s2s.Translator.load(trained_dir / "translator")
    checkpoint = s2s.training.Checkpoint(trained_dir / "checkpoint")
    progress = checkpoint.restore_weights(translator.model)
    print(f"Checkpoint: {checkpoint.directory}, after {len(progress['costs'])} steps")

# %% [markdown]
# ## The book's sentence
# Ids depend on the corpus that the vocabulary was made of, so ours are not the book's. The book's
# own lists (`--data-dir`) give its ids, which are one less than ours would be: we have `<pad>` in
# front.

# %%
(translation,) = translator([BOOK_SENTENCE])
print(f"\nsource:       {BOOK_SENTENCE}")
print(f"translation:  {translation.text}")
print(f"in the book:  {BOOK_TRANSLATION}")


def book_ids(tokens, language):
    vocabulary = s2s.data.book_vocabulary(language, settings.data_dir)
    return [vocabulary.index(token) - 1 for token in tokens]


source = [*BOOK_SENTENCE.split(), "<eos>"]
target = ["<sos>", *translation.text, "<eos>"]
if not settings.model_dir:
    english, chinese = translator.source_tokenizer, translator.target_tokenizer
    source_ids = [*english.encode([BOOK_SENTENCE]).to_list()[0], s2s.text.EOS_ID]
    print(f"ids here:     {source_ids} -> {[chinese.vocabulary.index(token) for token in target]}")
print(f"in the book:  {BOOK_IDS} -> {BOOK_TRANSLATION_IDS}")
if settings.data_dir:
    print(f"by its lists: {book_ids(source, 'en')} -> {book_ids(target, 'zh')}")

# %% [markdown]
# ## Sentences of yours

# %%
sentence = settings.sentence
if sentence is None and settings.preset == "quick":
    sentence = EXAMPLE  # The corpus of this preset does not know what a test is.
if sentence is not None:
    (translation,) = translator([sentence])
    print(f"\nsource:       {sentence}")
    print(f"translation:  {translation.text}")

# %% [markdown]
# ## A file, or what is typed

# %%
if settings.file:
    # An empty line has an empty translation, so the lines go on corresponding.
    lines = [translation.text for translation in translator(s2s.data.read_lines(settings.file))]
    if settings.output:
        settings.output.parent.mkdir(parents=True, exist_ok=True)
        settings.output.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        print(f"\n{len(lines)} lines of {settings.file} are translated in {settings.output}.")
    else:
        print("", *lines, sep="\n")

asked = settings.sentence is not None or settings.file
if settings.interactive or (sys.stdin.isatty() and not asked):
    print("\nEnglish sentences, please; Ctrl-D ends.")
    for line in typed_lines("> "):
        print(translator([line])[0].text)
