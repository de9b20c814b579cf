"""Solutions of the exercises of chapter 9-2."""

from collections import Counter

import tf_seq2seq as s2s


def exercise_1(size=25, train=2000):
    """The 25 most frequent words are 4% of the vocabulary, but cover 41% of the text."""
    lines = s2s.data.synthetic_corpus(train=train).train.source
    tokenizer = s2s.text.WordTokenizer()
    tokenizer.adapt(lines)
    whole = len(tokenizer.vocabulary.counts)
    tokenizer.adapt(lines, max_size=size + 4)  # and the special tokens
    return size / whole, tokenizer.coverage(lines).ratio


def exercise_2(train=2000):
    """A `Counter` of all characters has the same counts as the tokenizer."""
    lines = s2s.data.synthetic_corpus(train=train).train.target
    mine = Counter(character for line in lines for character in line)
    tokenizer = s2s.text.ChineseTokenizer()
    tokenizer.adapt(lines, min_count=1)
    counts = {tokenizer.display(token): n for token, n in tokenizer.vocabulary.counts.items()}
    return mine == counts, mine.most_common(5)


def exercise_3(train=2000, test=500):
    """Two thirds of the words do; they cover 93% of the test text, which has its own rare words."""
    corpus = s2s.data.synthetic_corpus(train=train, test=test)
    tokenizer = s2s.text.WordTokenizer()
    tokenizer.adapt(corpus.train.source, min_count=1)
    counts = list(tokenizer.vocabulary.counts.values())
    covered, size = 0, 0
    while covered < 0.95 * sum(counts):
        covered += counts[size]
        size += 1
    tokenizer.adapt(corpus.train.source, max_size=size + 4)
    parts = corpus.train.source, corpus.test.source
    return size, len(counts), [tokenizer.coverage(part).ratio for part in parts]
