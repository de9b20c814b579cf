# %% [markdown]
# 9-2 生成词汇表: from a text to its vocabulary.
#
#     id(token) = its rank in the list of tokens, by descending frequency
#
# The most frequent tokens are kept; all others become `<unk>`. English is split into words.
# Chinese, which has no spaces between words, is split into characters.
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
    """Build the vocabularies of three texts, and compare them with the book's."""

    output_dir: Path = setting(Path("output/ch09_2"), "where vocabularies and the plot go")


settings = from_command_line(Settings, presets={"quick": {}, "book": {}})

# %%
import tf_seq2seq as s2s
from common.book_texts import book_texts
from common.plots import show

quick = settings.preset == "quick"
output_dir = settings.output_dir / settings.preset
texts = book_texts(synthetic=quick, data_dir=settings.data_dir)

# %% [markdown]
# ## Count, and keep the most frequent
# Sizes are counted as in the book, including its special tokens: `<eos>` for the Treebank
# (where `<unk>` is a word of the text, one in twenty), and `<unk> <sos> <eos>` for the talks.

# %%
if quick:
    print(ANOTHER_CORPUS)
all_counts, kept = {}, {}
print(f"{'':14} {'different':>10} {'kept':>10} {'the book':>10} {'of the text':>12}")
for name, text in texts.items():
    tokenizer, train = text.tokenizer, text.lines.train
    not_in_book = text.max_size - text.book_size

    tokenizer.adapt(train, min_count=1)
    all_counts[text.title] = list(tokenizer.vocabulary.counts.values())
    different = tokenizer.vocabulary_size - not_in_book

    tokenizer.adapt(train, max_size=text.max_size)
    kept[text.title] = len(tokenizer.vocabulary.counts)
    print(
        f"{text.title:14} {different:10,} {tokenizer.vocabulary_size - not_in_book:10,} "
        f"{text.book_size:10,} {tokenizer.coverage(train).ratio:12.2%}"
    )
    # Saved with its tokenizer, because neither is useful without the other.
    tokenizer.save(output_dir / name)

print(f"Vocabularies: {output_dir}/{{{','.join(texts)}}}/vocabulary.txt")

# %% [markdown]
# ## Ids, here and in the book
# The book pads its batches with 0, which is also the id of its `<unk>` (of `<eos>` for the
# Treebank). Keras treats every 0 as padding and masks it, `Embedding(mask_zero=True)`: real words
# would vanish. Here 0 is `<pad>` and nothing else, and the special tokens come first, in the same
# order everywhere.

# %%
columns = []
for name, (title, lines, tokenizer, *_) in texts.items():
    counts = dict(tokenizer.vocabulary.counts)
    if name == "ptb":
        counts["<unk>"] = sum(line.split().count("<unk>") for line in lines.train)
    book_order = ["<eos>"] if name == "ptb" else ["<unk>", "<sos>", "<eos>"]
    book_order += sorted(counts, key=counts.get, reverse=True)

    columns.append([f"{title:20}", f"{'here':>4} {'book':>4} {'token':10}"])
    for id, token in enumerate(tokenizer.vocabulary.tokens[:10]):
        book_id = book_order.index(token) if token in book_order else "-"
        columns[-1].append(f"{id:4} {book_id:>4} {tokenizer.display(token):10}")
print()
for row in zip(*columns, strict=False):
    print("   ".join(row).rstrip())

# %% [markdown]
# ## The book's own lists
# The book published its lists for the talks. Its tokenizers split some text differently: Moses
# leaves "long-term" and "U.S." whole, and its Chinese is split down to the letters of "TED" and the
# digits of "20", which are whole here.

# %%
compared = {} if quick else {"ted_en": "en", "ted_zh": "zh"}
if quick:
    print("\nThe book's lists belong to the TED talks, which --preset book reads.")
for name, language in compared.items():
    title, lines, tokenizer, *_ = texts[name]
    try:
        book = s2s.data.book_vocabulary(language, settings.data_dir)
    except s2s.InputError as error:
        print(f"\n{title}: not compared with the book's list. {error}")
        continue
    theirs = dict.fromkeys(book.tokens[4:])
    ours = dict.fromkeys(map(tokenizer.display, tokenizer.vocabulary.tokens[4:]))
    shared = len(theirs.keys() & ours.keys())
    print(f"\n{title}: {shared:,} of the book's {len(theirs):,} tokens are in our list.")
    print(f"  only in the book's: {' '.join([t for t in theirs if t not in ours][:12])}")
    print(f"  only in ours:       {' '.join([t for t in ours if t not in theirs][:12])}")
    for part in ("train", "test"):
        part_lines = getattr(lines, part)
        tokens = [
            [tokenizer.display(token.decode()) for token in line]
            for line in tokenizer.tokenize(part_lines).to_list()
        ]
        covered, by_book = tokenizer.coverage(part_lines).ratio, book.coverage(tokens).ratio
        print(
            f"  covered of the {part} part: {covered:.2%} by our list, {by_book:.2%} by the book's"
        )

# %% [markdown]
# ## Zipf's law
# The word of rank r occurs about 1/r times as often as the first: a straight line if both axes are
# logarithmic. A hundred words make up half of the Treebank; the last thousand of its 10,000 make up
# less than a hundredth, though each of them takes as much memory as the first. There are fewer
# Chinese characters, and 4,000 of them cover nearly everything.

# %%
plot = output_dir / "frequencies.png"
show(s2s.plotting.token_frequencies(all_counts, kept), plot, "\nPlot: ")

# %% [markdown]
# ## What to observe
# With the preset `book`, 10,000 words cover 94.93% of the Treebank and 96.66% of the English talks,
# and 4,000 characters cover 99.76% of the Chinese ones: hardly any character is unknown. The
# synthetic texts of the preset `quick` have no rare words, so all their 568, 610 and 447 tokens are
# kept.
#
# ## Exercises
# 1. Keep only the 25 most frequent words of the synthetic English text. How much of the text do
#    they cover?
# 2. Count the Chinese characters with a `collections.Counter`, and compare the counts with those of
#    the tokenizer.
# 3. What is the smallest vocabulary that covers 95% of the training text? Does it cover as much of
#    the test text?
#
# Solutions: [`solutions/ch09_2.py`](solutions/ch09_2.py), which `python chapters/solutions ch09_2`
# runs.
