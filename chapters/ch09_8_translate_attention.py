# %% [markdown]
# 9-8 Attention 模型 测试: translating with what chapter 9-7 has trained, and seeing where it looks.
#
# The encoder's states and their keys V h_i are computed once. In each step the decoder weighs them
# anew, writes what it finds most probable, and reads that in the next step, until it writes
# `<eos>`:
#
#     y_0 = <sos>,   y_j = argmax P(y | y_1 ... y_{j-1}, alpha_j, h_1 ... h_T)
#
#     --preset quick|book|tuned    with the translator that 9-7 trained under this preset
#     --model-dir DIR              with a SavedModel instead
#     --sentence "..."             a sentence of yours
#     --file IN --output OUT       a file, one sentence a line
#     --interactive                sentences as you type them (a terminal's way without the others)

# %%
import dataclasses
import sys
from pathlib import Path

import tf_seq2seq as s2s
from common import talks
from tf_seq2seq.cli.settings import from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings(talks.TranslationSettings):
    """Translate English into Chinese with attention, and draw what it attends to."""

    output_dir: Path = setting(Path("output/ch09_8"), "where the picture goes")


settings = from_command_line(Settings, presets=talks.trained_presets(Path("output/ch09_7")))

# %% [markdown]
# ## A checkpoint, or a SavedModel
# A checkpoint holds the weights; the model's form and the tokenizers lie beside it since the
# training began. So a translator can be tried while it is still in training. A SavedModel holds
# all of this, and the search too: a graph from strings to strings.

# %%
translator = talks.open_translator(settings, Path(__file__).with_name("ch09_7_train_attention.py"))
if not translator.aligns:
    raise s2s.InputError("This translator has no attention to look at: take it to chapter 9-6.")

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
# ## Where it looked
# A row for each character written, a column for each token of the source: alpha_ij. Where Chinese
# has another order than English, the dark cells leave the diagonal.

# %%
if translation.target_tokens:
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    picture = settings.output_dir / "alignment.png"
    s2s.plotting.alignment(
        translation.source_tokens, translation.target_tokens, translation.alignment
    ).savefig(picture)
    print(f"Alignment:    {picture}")

# %% [markdown]
# ## A file, or what is typed

# %%
if settings.file:
    talks.translate_file(translator, settings.file, settings.output)
if settings.interactive or (sys.stdin.isatty() and not (settings.sentence or settings.file)):
    talks.translate_typed(translator)
