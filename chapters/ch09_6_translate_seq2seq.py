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
import sys
from pathlib import Path

from common import talks
from tf_seq2seq.cli.settings import from_command_line


@dataclasses.dataclass(frozen=True)
class Settings(talks.TranslationSettings):
    """Translate English into Chinese with a trained translator without attention."""


settings = from_command_line(Settings, presets=talks.trained_presets(Path("output/ch09_5")))

# %% [markdown]
# ## A checkpoint, or a SavedModel
# A checkpoint holds the weights; the model's form and the tokenizers lie beside it since the
# training began. So a translator can be tried while it is still in training. A SavedModel holds
# all of this, and the search too: a graph from strings to strings.

# %%
translator = talks.open_translator(settings, Path(__file__).with_name("ch09_5_train_seq2seq.py"))

# %% [markdown]
# ## The book's sentence
# Ids depend on the corpus that the vocabulary was made of, so ours are not the book's. With
# `--data-dir` the book's own lists give its ids.

# %%
talks.print_book_sentence(translator, settings)

# %% [markdown]
# ## Sentences of yours
# The corpus of the preset `quick` does not know what a test is; this sentence it knows.

# %%
sentence = settings.sentence
if sentence is None:
    sentence = talks.EXAMPLE if settings.preset == "quick" else talks.BOOK_SENTENCE
(translation,) = translator([sentence])
print(f"\nsource:       {sentence}")
print(f"translation:  {translation.text}")

# %% [markdown]
# ## A file, or what is typed

# %%
if settings.file:
    talks.translate_file(translator, settings.file, settings.output)
if settings.interactive or (sys.stdin.isatty() and not (settings.sentence or settings.file)):
    talks.translate_typed(translator)
