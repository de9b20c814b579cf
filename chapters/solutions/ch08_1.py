"""Solutions of the exercises of chapter 8-1."""

import keras
import numpy as np

W_STATE = np.array([[0.1, 0.2], [0.3, 0.4]])
W_IN, B = np.array([0.5, 0.6]), np.array([0.1, -0.1])
W_OUT, B_OUT = np.array([[1.0], [2.0]]), np.array([0.1])


def forward(x, w_state):
    """Return the outputs `(batch, steps, 1)` of inputs `(batch, steps)`."""
    state, outputs = np.zeros((len(x), 2)), []
    for t in range(x.shape[1]):
        state = np.tanh(state @ w_state + x[:, t, None] * W_IN + B)
        outputs.append(state @ W_OUT + B_OUT)
    return np.stack(outputs, axis=1)


def exercise_1():
    """Without `W_state`, the second output is the same whatever the first input was."""
    x = np.array([[1.0, 2.0], [5.0, 2.0]])
    return forward(x, np.zeros((2, 2)))[:, 1, 0]


def exercise_2(batch=3, steps=100):
    """A batch is one more axis, and the outputs differ from those of Keras by rounding only."""
    x = np.random.default_rng(1).normal(size=(batch, steps))
    rnn = keras.layers.SimpleRNN(2, return_sequences=True)
    network = keras.Sequential([keras.Input((None, 1)), rnn, keras.layers.Dense(1)])
    network.set_weights([W_IN[None, :], W_STATE, B, W_OUT, B_OUT])
    return np.abs(network(x[:, :, None]).numpy() - forward(x, W_STATE)).max()


def influence(factor, steps, change=1e-6):
    """Return how much the last state changes with the first input, if all others are 0."""
    state = change * W_IN
    for _ in range(steps - 1):
        state = np.tanh(state @ (factor * W_STATE))
    return np.linalg.norm(state) / change


def exercise_3(steps=50):
    """The influence stays if the largest eigenvalue is 1; below it vanishes, above it explodes."""
    largest = np.abs(np.linalg.eigvals(W_STATE)).max()
    return {factor: influence(factor / largest, steps) for factor in (largest, 1.0, 1.1)}
