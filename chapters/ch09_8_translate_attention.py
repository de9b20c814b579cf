# %% [markdown]
# 9-8 Attention 模型 测试: translating with the model of chapter 9-7, and seeing where it looks.
#
# The encoder's states h_i and their keys V h_i are computed once. In each step the decoder weights
# them again, writes the most probable character, and reads it in the next step, until it writes
# `<eos>`:
#
#     y_0 = <sos>,   y_j = argmax P(y | y_1 ... y_{j-1}, alpha_j, h_1 ... h_T)
#
# The options are those of `ch09_6_translate_seq2seq.py`.

# %%
import dataclasses
from pathlib import Path

from common.settings import with_folders
from common.talks_settings import TranslationSettings, trained_presets
from tf_seq2seq.cli.settings import from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings(TranslationSettings):
    """Translate English into Chinese with attention, and plot what it attends to."""

    output_dir: Path = setting(Path("output/ch09_8"), "where the plot goes")


PRESETS = trained_presets("output/ch09_7")
settings = from_command_line(Settings, presets=with_folders("output/ch09_8", PRESETS))

# %% [markdown]
# ## A checkpoint, or a SavedModel

# %%
import tf_seq2seq as s2s
from common import talks
from common.plots import show

translator = talks.open_translator(settings, "ch09_7_train_attention.py")
if not translator.aligns:
    raise s2s.InputError("This translator has no attention to plot: use chapter 9-6 instead.")

# %% [markdown]
# ## The book's sentence, and yours

# %%
talks.print_book_sentence(translator, settings)
translation = talks.print_translation(translator, settings)

# %% [markdown]
# ## Where it looked
# Each row is a character that was written, each column a token of the source, and the shade is
# alpha_ij. Where the word order of Chinese differs from that of English, the dark cells leave the
# diagonal.

# %%
if translation.target_tokens:
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    plot = settings.output_dir / "alignment.png"
    figure = s2s.plotting.alignment(
        translation.source_tokens, translation.target_tokens, translation.alignment
    )
    show(figure, plot, "Alignment:    ")

# %% [markdown]
# ## Your file, or what you type

# %%
talks.translate_inputs(translator, settings)

# %% [markdown]
# ## What to observe
# With the preset `tuned`, "This is a test ." becomes 这是一个测试的事情。 ("a matter of a test"),
# where the book has 这是一个测试。 In the plot, each row sums to 1, but a column need not: a word
# may matter to several characters or to none.
#
# ## Exercises
# 1. In the matrix of the solutions, what are the sums of the rows and of the columns? What does a
#    column near 0 mean?
# 2. Find the word for each character, by the largest weight.
# 3. Translate 200 sentences with the model in `saved_models/en_zh`. Which words most often get less
#    than 0.3 of the attention of all characters together?
#
# Solutions: [`solutions/ch09_8.py`](solutions/ch09_8.py), which `python chapters/solutions ch09_8`
# runs.
