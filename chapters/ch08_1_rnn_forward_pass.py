# %% [markdown]
# 8-1 循环神经网络前向传播: the forward pass of a recurrent network.
#
#     a_t = s_{t-1} W_state + x_t W_in + b     the pre-activation
#     s_t = tanh(a_t)                          the state
#     y_t = s_t W_out + b_out                  the output
#
# Every step uses the same weights. All it knows about earlier steps is in the state.

# %%
import dataclasses

from tf_seq2seq.cli.settings import from_command_line


@dataclasses.dataclass(frozen=True)
class Settings:
    """Unroll a recurrent network over two steps, in NumPy and in Keras."""


from_command_line(Settings, presets={"quick": {}, "book": {}})  # the same: the book's numbers

# %%
# Imported only now, because it takes seconds: --help and a mistyped option need no TensorFlow.
import keras
import numpy as np

x = np.array([1.0, 2.0])
w_state = np.array([[0.1, 0.2], [0.3, 0.4]])
w_in = np.array([0.5, 0.6])
b = np.array([0.1, -0.1])
w_out = np.array([[1.0], [2.0]])
b_out = 0.1

BOOK = [
    {"before tanh": (0.6, 0.5), "state": (0.53704957, 0.46211716), "output": (1.56128388,)},
    {
        "before tanh": (1.2923401, 1.39225678),
        "state": (0.85973818, 0.88366641),
        "output": (2.72707101,),
    },
]

# %% [markdown]
# ## In NumPy
# The loop is the network. The last column is the book's.

# %%
state = np.zeros(2)
outputs = []
for t in range(2):
    before = state @ w_state + x[t] * w_in + b
    state = np.tanh(before)
    output = state @ w_out + b_out
    outputs.append(output)

    for name, values in {"before tanh": before, "state": state, "output": output}.items():
        computed, book = (" ".join(f"{v:.8f}" for v in row) for row in (values, BOOK[t][name]))
        print(f"step {t + 1}  {name:<12} {computed:<24} book: {book}")

# %% [markdown]
# ## In Keras
# `SimpleRNN` computes the first two equations and `Dense` the third, with the same weights. Keras
# computes in single precision, so the outputs agree to about seven decimals.

# %%
network = keras.Sequential(
    [keras.Input((2, 1)), keras.layers.SimpleRNN(2, return_sequences=True), keras.layers.Dense(1)]
)
network.set_weights([w_in[None, :], w_state, b, w_out, np.array([b_out])])
keras_outputs = network(x.reshape(1, 2, 1)).numpy()[0]
difference = np.abs(keras_outputs - outputs).max()
print(f"The outputs of Keras differ by {difference:.0e} at most.")

# %% [markdown]
# ## What to observe
# All ten numbers are the book's. At step 2, the input alone, 2 W_in + b, would be (1.1, 1.1): the
# rest of (1.2923, 1.3923) comes from the first state, through W_state. Keras' outputs differ by
# less than 1e-6, because it computes in single precision.
#
# ## Exercises
# 1. Set `w_state` to zero. Which numbers of step 2 change, and does the second output still depend
#    on the first input?
# 2. Write the forward pass for a batch of inputs, `(batch, steps)`, and compare it with Keras over
#    100 steps.
# 3. Set b and all inputs but the first to zero. How much does the state after 50 steps change with
#    the first input? Find the factor for `w_state` with which this influence neither vanishes nor
#    explodes.
#
# Solutions: [`solutions/ch08_1.py`](solutions/ch08_1.py), which `python chapters/solutions ch08_1`
# runs.
