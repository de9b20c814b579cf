# %% [markdown]
# 9-1 交叉熵损失函数样例: cross-entropy, the loss of all chapters that follow.
#
#     p = softmax(logits)               the model's probabilities
#     H(q, p) = -sum_k q_k log p_k      its loss, if the true probabilities are q
#
# The loss is 0 if p gives all its probability to the right word, and grows without bound as it
# gives that word less.

# %%
import dataclasses

from tf_seq2seq.cli.settings import from_command_line


@dataclasses.dataclass(frozen=True)
class Settings:
    """Compute the cross-entropy of two words of a vocabulary of three, in several ways."""


from_command_line(Settings, presets={"quick": {}, "book": {}})  # the same: the book's numbers

# %%
import keras
import numpy as np

from tf_seq2seq.losses import token_cross_entropy


def show(name, losses):
    print(f"{name:<36}" + "".join(f"{loss:>12.8f}" for loss in np.ravel(losses)))


# %% [markdown]
# A vocabulary of three words, and a text of two: word 2, then word 0.

# %%
labels = np.array([2, 0])
logits = np.array([[2.0, -1.0, 3.0], [1.0, 0.0, -0.5]])

# %% [markdown]
# ## One right word
# q is 1 for the right word and 0 for all others, so that H = -log p_label. The *sparse* form of
# the loss takes the label, the other one takes q. Both take logits instead of p: the logarithm
# cancels the exponential of the softmax, so that a tiny p is never rounded to 0.

# %%
p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
log_p = np.log(p).astype("float32")  # the precision of the book's figures, and of Keras
q = np.eye(3, dtype="float32")[labels]

sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
categorical = keras.losses.CategoricalCrossentropy(from_logits=True, reduction=None)

show("the book", [0.32656264, 0.46436879])
show("the equation", -log_p[[0, 1], labels])
show("keras SparseCategoricalCrossentropy", sparse(labels, logits))
show("keras CategoricalCrossentropy", categorical(q, logits))
show("tf_seq2seq token_cross_entropy", token_cross_entropy(labels[None], logits[None]))

# %% [markdown]
# ## Smoothed labels
# A model that is trained to be certain becomes overconfident. Label smoothing takes the share
# epsilon of the probability and spreads it over all V words, including the right one:
#
#     q_k = (1 - epsilon) [k = label] + epsilon / V
#
# With V = 3, the book's targets .98, .01, .01 mean epsilon = .03.

# %%
epsilon = 0.03
smoothed = (1 - epsilon) * q + epsilon / 3
smoothing = keras.losses.CategoricalCrossentropy(
    from_logits=True, label_smoothing=epsilon, reduction=None
)

print(f"\nSmoothed targets: {smoothed[0].round(4)} and {smoothed[1].round(4)}")
show("the book", [0.37656265, 0.48936883])
show("the equation", -(smoothed * log_p).sum(axis=-1))
show("keras CategoricalCrossentropy", categorical(smoothed, logits))
show("keras, label_smoothing=0.03", smoothing(q, logits))
show("tf_seq2seq, label_smoothing=0.03", token_cross_entropy(labels[None], logits[None], epsilon))

# %% [markdown]
# ## What to observe
# The book's losses, the equation and the functions of Keras and of this package agree to six
# decimals: they are the same equation in faster and safer forms. Smoothing makes these losses
# larger, 0.3766 and 0.4894 instead of 0.3266 and 0.4644, because it also asks for words that the
# model finds unlikely.
#
# ## Exercises
# 1. Add 100 to all logits. What becomes of the loss, by the function of the package and by the
#    equation in single precision?
# 2. Compute the gradient of the loss with respect to the logits with a `GradientTape`. Which simple
#    expression of p and q is it?
# 3. For V = 10,000 and epsilon = 0.1, which p has the smallest loss, and how large is it? Is a
#    model better that is nearly certain of the right word?
#
# Solutions: [`solutions/ch09_1.py`](solutions/ch09_1.py), which `python chapters/solutions ch09_1`
# runs.
