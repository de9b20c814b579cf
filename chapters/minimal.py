# %% [markdown]
# The whole idea in one file: a translator with attention, trained from scratch in a minute.
#
#     the book that I bought yesterday is interesting   ->   我昨天买的书很有趣
#
# English puts "that I bought yesterday" after the book, Chinese before it. A translator that works
# word by word from left to right cannot do this. Ours reads the whole sentence first, and then,
# before it writes a character, looks back at the words that matter for it. This looking back is
# attention. It is learned from examples alone: no one marks which character belongs to which word.
#
#     encoder      h_1 ... h_T   a vector for each English word, read in both directions
#     attention    c_j           what the decoder looks at before it writes character j
#     decoder      s_j           its state; it predicts one character, then the next
#
# This file imports nothing but Keras, TensorFlow and NumPy. The package `tf_seq2seq` does the same
# for real languages, much faster; the last cell says where to find each part.

# %%
import os
import random

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow is verbose at startup.

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(1)

# %% [markdown]
# ## Sentences
# Three patterns and a few words make more than 13,000 sentence pairs. The word order of Chinese
# differs from that of English, and Chinese counts books, cars and cats with different words (本,
# 辆, 只), which come before the noun: the decoder has to look ahead.

# %%
PEOPLE = {
    "my father": "我父亲",
    "my sister": "我姐姐",
    "the doctor": "医生",
    "the driver": "司机",
    "the teacher": "老师",
    "our neighbor": "邻居",
}
WORDS = {
    "who": {**PEOPLE, "I": "我", "she": "她"},
    "whom": PEOPLE,
    "did": {
        "bought": "买",
        "drew": "画",
        "found": "找到",
        "lost": "丢",
        "saw": "看见",
        "sold": "卖",
    },
    "kind": {"beautiful": "漂亮", "big": "大", "interesting": "有趣", "new": "新", "old": "旧"},
    "thing": {
        "book": ("本", "书"),
        "car": ("辆", "车"),
        "cat": ("只", "猫"),
        "house": ("座", "房子"),
        "map": ("张", "地图"),
        "picture": ("幅", "画"),
        "ship": ("艘", "船"),
    },
    "when": {"last week": "上周", "this morning": "早上", "today": "今天", "yesterday": "昨天"},
}
PATTERNS = [
    ("{who} called {whom} {when}", "{who}{when}给{whom}打了电话"),
    ("{who} {did} that {kind} {thing} {when}", "{who}{when}{did}了那{thing[0]}{kind}的{thing[1]}"),
    ("the {thing} that {who} {did} {when} is {kind}", "{who}{when}{did}的{thing[1]}很{kind}"),
]


def random_pair(rng):
    """Return an English sentence and its Chinese translation."""
    chosen = {slot: rng.choice(list(words.items())) for slot, words in WORDS.items()}
    sides = ({slot: pair[side] for slot, pair in chosen.items()} for side in (0, 1))
    pattern = rng.choice(PATTERNS)
    return tuple(form.format(**words) for form, words in zip(pattern, sides, strict=True))


rng = random.Random(1)
EXAMPLE = ("the book that I bought yesterday is interesting", "我昨天买的书很有趣")
pairs = {random_pair(rng) for _ in range(3000)} - {EXAMPLE}
pairs = sorted(pairs)
rng.shuffle(pairs)
test, train = [EXAMPLE, *pairs[:300]], pairs[300:]  # No sentence is in both.
print(f"{len(train)} sentence pairs to learn from, {len(test)} others to test on")

# %% [markdown]
# ## Ids
# The network sees numbers: one for each English word, one for each Chinese character. Three of them
# are special. `<pad>` fills up short sentences, `<eos>` ends each sentence, and `<sos>` is the
# character before the first.

# %%
PAD, SOS, EOS = 0, 1, 2


def vocabulary(sentences):
    """Return all tokens of some sentences; a token's position is its id."""
    return ["<pad>", "<sos>", "<eos>", *sorted({token for tokens in sentences for token in tokens})]


english = vocabulary(source.split() for source, _ in train)
chinese = vocabulary(target for _, target in train)


def to_ids(sentences, vocabulary):
    """Return the ids of some sentences, each ended by <eos> and padded: `(sentences, longest)`."""
    rows = [[*map(vocabulary.index, tokens), EOS] for tokens in sentences]
    return keras.utils.pad_sequences(rows, padding="post", value=PAD)


x = to_ids([source.split() for source, _ in train], english)  # (sentences, T)
y = to_ids([target for _, target in train], chinese)  # (sentences, J)
print(f"{len(english)} English words, {len(chinese)} Chinese characters")

# %% [markdown]
# ## Attention
# How well does the state s of the decoder fit the vector h_i of the i-th word? A small network
# answers with a score (Bahdanau et al. 2015). Softmax turns the scores into a share for each
# word, and the context is the mean of all h_i, weighted by the shares:
#
#     e_i     = u . tanh(V h_i + W s)            the score of word i
#     alpha_i = exp(e_i) / sum_k exp(e_k)        its share of the attention
#     c       = sum_i alpha_i h_i                the context
#
# Padding is not a word: its score is set so low that its share is 0.


# %%
def additive_attention(state, memory, is_word, w, v, u):
    """Return the context that a state gets from the memory, and the share of each word.

    Args:
        state: s, `(batch, units)`.
        memory: h_1 ... h_T, `(batch, T, units)`.
        is_word: False where the memory is padding, `(batch, T)`.
        w, v: matrices, `(units, units)`.
        u: a vector, `(units,)`.

    Returns:
        The context c, `(batch, units)`, and the shares alpha, `(batch, T)`.
    """
    hidden = tf.tanh(memory @ v + (state @ w)[:, None])  # (batch, T, units)
    scores = tf.reduce_sum(u * hidden, axis=-1)  # (batch, T)
    alpha = tf.nn.softmax(tf.where(is_word, scores, -1e9), axis=-1)  # (batch, T)
    context = tf.reduce_sum(alpha[:, :, None] * memory, axis=1)  # (batch, units)
    return context, alpha


# %% [markdown]
# ## Encoder and decoder
# The encoder turns each word x_i into a vector E x_i and reads them with a GRU in both directions,
# so that h_i knows the words around it. Its last states start the decoder:
#
#     h_i = [GRU(h_{i-1}, E x_i) ; GRU'(h_{i+1}, E x_i)]        s_0 = tanh(A [h_T ; h'_1] + a)
#
# Step j of the decoder gets the previous character, y_{j-1}, and the context of the query s_{j-1}:
#
#     c_j = attention(s_{j-1}, h)
#     s_j = GRU(s_{j-1}, [E' y_{j-1} ; c_j])
#     P(y_j | y_1 ... y_{j-1}, x) = softmax(B [s_j ; c_j] + b)
#
# In training y_{j-1} is the character of the reference, so that one wrong guess does not spoil the
# rest of the sentence ("teacher forcing").


# %%
class Translator(keras.Model):
    """An encoder, attention and a decoder."""

    def __init__(self, embedding_size=32, units=64):
        super().__init__()
        self.embed_english = keras.layers.Embedding(len(english), embedding_size)
        self.embed_chinese = keras.layers.Embedding(len(chinese), embedding_size)
        gru = keras.layers.GRU(units // 2, return_sequences=True, return_state=True)
        self.read = keras.layers.Bidirectional(gru)
        self.start = keras.layers.Dense(units, "tanh")
        self.write = keras.layers.GRUCell(units)
        self.predict_character = keras.layers.Dense(len(chinese))
        self.w = self.add_weight(shape=(units, units), name="w")
        self.v = self.add_weight(shape=(units, units), name="v")
        self.u = self.add_weight(shape=(units,), name="u", initializer="random_normal")

    def encode(self, x):
        """Read sentences: ids `(batch, T)` -> memory `(batch, T, units)`, mask, first state."""
        is_word = x != PAD  # (batch, T)
        memory, *last = self.read(self.embed_english(x), mask=is_word)
        return memory, is_word, self.start(tf.concat(last, axis=-1))

    def step(self, previous, state, memory, is_word):
        """Predict one character of each sentence, from the previous ones, ids `(batch,)`.

        Returns:
            Logits, `(batch, characters)`, the next state and the shares alpha.
        """
        context, alpha = additive_attention(state, memory, is_word, self.w, self.v, self.u)
        inputs = tf.concat([self.embed_chinese(previous), context], axis=-1)
        state, _ = self.write(inputs, [state])
        return self.predict_character(tf.concat([state, context], axis=-1)), state, alpha

    def call(self, inputs):
        """Predict all characters of known translations: logits `(batch, J, characters)`."""
        x, previous = inputs
        memory, is_word, state = self.encode(x)
        steps = []
        for j in range(previous.shape[1]):
            logits, state, _ = self.step(previous[:, j], state, memory, is_word)
            steps.append(logits)
        return tf.stack(steps, axis=1)


model = Translator()

# %% [markdown]
# ## Training
# The loss is the mean of -log P(y_j) over all characters of the references, without the padding: 0
# if the model is certain and right, log(number of characters) if it has no idea. The decoder's
# inputs are the references shifted by one place: `<sos>` in front, the last character dropped.

# %%
previous = np.concatenate([np.full_like(y[:, :1], SOS), y[:, :-1]], axis=1)
model.compile(
    keras.optimizers.Adam(0.01, global_clipnorm=1.0),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=PAD),
)
model((x[:1], previous[:1]))  # Keras creates the weights now,
model.optimizer.build(model.trainable_variables)  # and need not trace a step twice for them.
model.fit((x, previous), y, batch_size=64, epochs=8, verbose=2)

# %% [markdown]
# ## Translation
# Without a reference, the decoder reads its own output: the most probable character of each step,
# until that is `<eos>`. This is greedy search.


# %%
def translate(sentences, longest=20):
    """Return the translations of English sentences, and alpha `(sentences, steps, T)`."""
    memory, is_word, state = model.encode(to_ids([s.split() for s in sentences], english))
    previous = np.full(len(sentences), SOS)
    written, alphas = [], []
    while len(written) < longest and not np.all(np.any(np.equal(written, EOS), axis=0)):
        logits, state, alpha = model.step(previous, state, memory, is_word)
        previous = np.argmax(logits, axis=-1)
        written.append(previous)
        alphas.append(alpha)
    rows = np.stack(written, axis=1).tolist()
    rows = [row[: row.index(EOS)] if EOS in row else row for row in rows]
    return ["".join(chinese[id] for id in row) for row in rows], np.stack(alphas, axis=1)


sources, references = zip(*test, strict=True)
translations, alphas = translate(sources)
for source, translation in list(zip(sources, translations, strict=True))[:5]:
    print(f"\n{source}\n{translation}")
right = [t == r for t, r in zip(translations, references, strict=True)]
accuracy = 100 * np.mean(right)
print(f"\n{accuracy:.0f} % of {len(test)} unseen sentences are translated without an error.")

# %% [markdown]
# ## Where it looked
# For each character of the first translation, the word with the greatest share alpha. The model
# has discovered the word order by itself.

# %%
print()
for character, alpha in zip(translations[0], alphas[0], strict=False):
    word = [*sources[0].split(), "<eos>"][np.argmax(alpha)]
    print(f"{character}  <-  {word:12} {100 * np.max(alpha):3.0f} %")

# %% [markdown]
# ## Where to find it in the package
#
# | here | in `tf_seq2seq` | what it adds |
# |---|---|---|
# | `to_ids` | `text`, `data.batches` | tokenizers of real languages, in the graph; little padding |
# | `additive_attention` | `BahdanauAttention` | V h_i is computed once, not in every step |
# | `encode`, `step`, `call` | `Encoder`, `Bridge`, `Decoder` | layers, cells, ways of feeding |
# | `model.fit` | `training.fit` | checkpoints, exact resume, several devices |
# | `translate` | `Translator`, `search` | beam search, constraints, all in one graph |
#
# Next: `quickstart.py` does all of this with the package, and exports the result.

# %% [markdown]
# ## What to observe
# 我, 买 and 书 look most at "I", "bought" and "book": attention has found the order by itself.
#
# ## Exercises
# 1. Give all words equal shares of attention. How many sentences are still translated without an
#    error?
# 2. Write `dot_attention`, whose score is the product of state and memory. Which weights does it
#    need?
# 3. Join two sentences, and translate them as one. How many are right, and why?
#
# Solutions: [`solutions/minimal.py`](solutions/minimal.py), which
# `python chapters/solutions minimal` runs.
