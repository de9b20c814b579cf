# %% [markdown]
# 9-6 Seq2Seq 模型 测试: translating with the model of chapter 9-5.
#
# The decoder starts from the encoder's last state. In each step it writes the most probable
# character and reads it in the next step, until it writes `<eos>`:
#
#     y_0 = <sos>,   y_j = argmax P(y | y_1 ... y_{j-1}, x)
#
#     --preset quick|book|tuned    use the translator that 9-5 trained with this preset
#     --model-dir DIR              use a SavedModel instead
#     --sentence "..."             translate a sentence
#     --file IN --output OUT       translate a file, one sentence per line
#     --interactive                translate sentences as you type them (the default at a terminal
#                                  without --sentence and --file)

# %%
import dataclasses

from common.talks_settings import TranslationSettings, trained_presets
from tf_seq2seq.cli.settings import from_command_line


@dataclasses.dataclass(frozen=True)
class Settings(TranslationSettings):
    """Translate English into Chinese with a trained translator without attention."""


settings = from_command_line(Settings, presets=trained_presets("output/ch09_5"))

# %% [markdown]
# ## A checkpoint, or a SavedModel
# A checkpoint holds the weights; the model's configuration and the tokenizers are saved next to the
# first one, so that a translator can be tried while it is still being trained. A SavedModel holds
# all of this and the search: one graph that maps strings to strings.

# %%
from common import talks

translator = talks.open_translator(settings, "ch09_5_train_seq2seq.py")

# %% [markdown]
# ## The book's sentence
# Ids depend on the corpus that the vocabulary was built from, so they differ from the book's. With
# `--data-dir`, the sentence is also printed in the ids of the book's own vocabularies.

# %%
talks.print_book_sentence(translator, settings)

# %% [markdown]
# ## Your sentence
# The synthetic corpus of the preset `quick` does not contain the word "test", so the default there
# is another sentence.

# %%
talks.print_translation(translator, settings)

# %% [markdown]
# ## Your file, or what you type

# %%
talks.translate_inputs(translator, settings)

# %% [markdown]
# ## What to observe
# With the preset `tuned`, "This is a test ." becomes 这是一个测试的。 where the book has
# 这是一个测试。 A fixed context has room for a short sentence, even if the BLEU is only 4.90. In
# the preset `quick`, "test" is not in the vocabulary.
#
# ## Exercises
# 1. Translate with `max_length=3` instead of 8. Are the first three ids the same?
# 2. Write greedy search in ten lines, with `decoder.step`, and compare its ids with those of
#    `search.greedy`.
# 3. How do the log probability and the length of the best sequence change with the width of a beam,
#    without a length penalty?
#
# Solutions: [`solutions/ch09_6.py`](solutions/ch09_6.py), which `python chapters/solutions ch09_6`
# runs.
