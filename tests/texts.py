"""Sample texts for the tests of tokenizers."""

import random

import tensorflow as tf

CORPUS = [
    "The book that I bought yesterday is very interesting.",
    "Das Buch, das ich gestern gekauft habe, ist größer als deins!",
    "我昨天买的书很有意思。",
    "Tom Smith paid $3.50 for it (too much).",
]

TRICKY = [
    "",
    " \t\r\n ",
    '"Hello," she said (don\'t!).',
    "rock'n'roll, the dogs' bowl, 'tis Tom’s",
    "»Straße« – 3,5 km; z. B. „Äpfel“ & Öl...",
    "Tom Smith买了3.5公斤苹果，iPhone 15 很贵。",
    "3 .5 3. 5 2010-2011 A4 word2vec 1,000.00 T-shirt e-mail U.S. .5.",
    "a ## b ##c #1 ### #￭ ￭# ￭ ▁ ▁▁ ■ _ <unk> <pad>",
    "a\x00b\x01c\x7fd\x85e\u00a0f\u2028g\u3000h\ufeffi\u200bj",
    "cafe\u0301 a \u0301 b か \u3099 A \u1100 \u1161 中\u0301 \u0301",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f600\U0001f3fd ok\U0001f600",
    "\u0301a",
    "ß ẞ İI ΟΔΟΣ Å \u212b \u212a Ａ１",
    "〇 〇二 ① ½ m² Ⅳ",
    r"\0 \1 \\ $ ^ [a] (?:x) .*",
]


def random_texts(count: int, seed: int = 7) -> list[str]:
    """Return short strings of characters that need care, and of any characters."""
    generator = random.Random(seed)
    likely = "aBzéß5 7  \t'’\".,-()#￭▁_中文，。か가\u0301\u3099\u200d\u3000\x00\x01\ufeffİΣ"
    texts = []
    for _ in range(count):
        size = generator.randint(0, 20)
        texts.append("".join(generator.choices(likely, k=size)))
        points = (generator.randrange(0x110000) for _ in range(size))
        texts.append("".join(chr(p) for p in points if not 0xD800 <= p < 0xE000))
    return texts


def decoded(tokens: tf.RaggedTensor) -> list[list[str]]:
    """Return tokens as lists of strings."""
    return [[token.decode() for token in row] for row in tokens.to_list()]
