# %% [markdown]
# 9-3 生成训练文件: from a text to ids.
#
#     w_1 w_2 ... w_n  ->  id(w_1) id(w_2) ... id(w_n) id(<eos>)
#
# A token that is not in the vocabulary gets the id of `<unk>`. The `<eos>` at the end of each line
# is a token like any other: a model learns from it where sentences end.
#
#     --preset quick    three synthetic texts, offline
#     --preset book     the Penn Treebank, and the TED talks in English and Chinese

# %%
import dataclasses
from pathlib import Path

from common.settings import ANOTHER_CORPUS, CorpusSettings
from tf_seq2seq.cli.settings import from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings(CorpusSettings):
    """Turn three texts into files of ids, and back into text."""

    vocabulary_dir: Path | None = setting(
        None,
        "output directory of chapter 9-2 with its vocabularies (default: output/ch09_2, or new "
        "vocabularies if it does not exist)",
    )
    output_dir: Path = setting(Path("output/ch09_3"), "where the files of ids go")


settings = from_command_line(Settings, presets={"quick": {}, "book": {}})

# %%
import shutil
import sys

import tensorflow as tf

import tf_seq2seq as s2s
from common.book_texts import book_texts
from tf_seq2seq.text import EOS_ID, UNK_ID

output_dir = settings.output_dir / settings.preset
output_dir.mkdir(parents=True, exist_ok=True)
texts = book_texts(synthetic=settings.preset == "quick", data_dir=settings.data_dir)

# %% [markdown]
# ## The vocabularies of chapter 9-2

# %%
tokenizers = {}
for name, text in texts.items():
    folder = (settings.vocabulary_dir or Path("output/ch09_2")) / settings.preset / name
    if folder.is_dir():
        tokenizers[name] = s2s.text.Tokenizer.load(folder)
    elif settings.vocabulary_dir:
        raise s2s.InputError(
            f"There is no vocabulary in {folder}: run chapter 9-2 with --output-dir "
            f"{settings.vocabulary_dir} first, or leave out --vocabulary-dir to build new ones."
        )
    else:
        text.tokenizer.adapt(text.lines.train, max_size=text.max_size)
        tokenizers[name] = text.tokenizer
    origin = folder if folder.is_dir() else "new"
    print(f"{text.title:14} {tokenizers[name].vocabulary_size:6,} tokens  ({origin})")

# %% [markdown]
# ## Encode, write, read, decode
# The files have a line of ids for each line of text, as the book's files do. Reading and decoding
# them must restore the text, except for the words that became `<unk>`.

# %%
BOOK_IDS = {("ptb", "train"): 929_589, ("ptb", "dev"): 73_760, ("ptb", "test"): 82_430}
LONGEST = 50  # the longest sentence that the book trains its translators on, with <eos>

if settings.preset == "quick":
    print(ANOTHER_CORPUS)
print(f"\n{'':21} {'lines':>8} {'ids':>11} {'the book':>9} {'<unk>':>7} {f'over {LONGEST}':>8}")
changed = 0  # lines without <unk> that are decoded to a different text
for name, text in texts.items():
    tokenizer = tokenizers[name]
    for part, lines in text.lines._asdict().items():
        ids = tf.concat([tokenizer.encode(lines), tf.fill([len(lines), 1], EOS_ID)], axis=1)
        file = output_dir / f"{name}.{part}.ids"
        file.write_text("".join(" ".join(map(str, line)) + "\n" for line in ids.to_list()))

        read = tf.strings.split(file.read_text().splitlines())
        read = read.with_values(tf.strings.to_number(read.values, tf.int32))
        same = tokenizer.decode(read) == tokenizer.normalize(lines)
        unknown = ids == UNK_ID
        changed += tf.math.count_nonzero(~same & ~tf.reduce_any(unknown, axis=1))

        count = len(ids.flat_values)
        book = f"{BOOK_IDS[name, part]:,}" if (name, part) in BOOK_IDS else "-"
        share = tf.math.count_nonzero(unknown.flat_values) / count
        over_long = tf.math.count_nonzero(ids.row_lengths() > LONGEST)
        print(
            f"{text.title:14} {part:6} {len(lines):8,} {count:11,} {book:>9} {share:7.2%} "
            f"{over_long:8,}"
        )

print(f"Files of ids: {output_dir}")

# %% [markdown]
# ## Sentence pairs for training
# The chapters from 9-5 on keep their pairs in memory. A corpus that is too large for that is
# encoded once, as a stream, into TFRecords. From them, `batches` makes the same batches as from
# pairs in memory, and `tf.data` can read them (see `docs/large_corpora.md`).

# %%
folder = output_dir / "ted_pairs"
shutil.rmtree(folder, ignore_errors=True)  # of another run, perhaps with other vocabularies
sides = "ted_en", "ted_zh"
pairs = zip(*(texts[side].lines.train for side in sides), strict=True)
corpus = s2s.data.encode(pairs, *(tokenizers[side] for side in sides), folder)
(record,) = tf.data.TFRecordDataset(str(next(folder.glob("*.tfrecord")))).take(1)
print(f"\n{len(corpus):,} pairs in {folder}; the first one:")
for side, ids in tf.io.parse_single_example(
    record, {side: tf.io.VarLenFeature(tf.int64) for side in ("source", "target")}
).items():
    print(f"   {side}:", *ids.values.numpy())

# %% [markdown]
# ## Examples
# A line of each test text, its ids in the file, their tokens, and the text that is decoded.

# %%
for name, text in texts.items():
    with (output_dir / f"{name}.test.ids").open() as file:
        ids = tf.constant([[int(id) for id in file.readline().split()]])
    print(f"\n{text.title}: {text.lines.test[0]}")
    print("  ", *ids[0].numpy())
    print("  ", *(token.decode() for token in tokenizers[name].id_to_token(ids[0]).numpy()))
    print("  ", tokenizers[name].decode(ids).numpy()[0].decode())

if changed:
    sys.exit(f"{changed} lines without <unk> were decoded to a different text.")
print("\nEvery line without <unk> was decoded to the original text.")

# %% [markdown]
# ## What to observe
# With the preset `book`, the parts of the Treebank have exactly as many ids as in the book:
# 929,589, 73,760 and 82,430. Every line without `<unk>` is decoded to its text, so nothing is lost
# but the words that the vocabulary does not have.
#
# ## Exercises
# 1. Encode "She bought a zeppelin." and decode the ids. What do you get?
# 2. Write `decode` for Chinese in two lines, with nothing but the list of tokens.
# 3. Give `WordTokenizer` and `SubwordTokenizer` 200 entries each. How much of the text is unknown,
#    and how long are the lines in ids?
#
# Solutions: [`solutions/ch09_3.py`](solutions/ch09_3.py), which `python chapters/solutions ch09_3`
# runs.
