"""Solutions of the exercises of chapter 8-2."""

import numpy as np

GAP = 0.01


def rmse_of_repeating(gap, count=1000):
    """Return the error of predicting that the sine does not change, from 100 on."""
    values = np.sin(100 + gap * np.arange(count + 1))
    return np.sqrt(np.mean((values[1:] - values[:-1]) ** 2))


def exercise_1():
    """Over a step that is ten times as long, the sine changes ten times as much."""
    return rmse_of_repeating(10 * GAP) / rmse_of_repeating(GAP)


def exercise_2(count=1000):
    """Least squares finds the weights -1 and 2 cos(d), and leaves no error but that of rounding."""
    values = np.sin(GAP * np.arange(count + 2))
    last_two = np.stack([values[:-2], values[1:-1]], axis=1)
    weights = np.linalg.lstsq(last_two, values[2:])[0]
    return weights, np.sqrt(np.mean((last_two @ weights - values[2:]) ** 2))


def follow(predict, steps):
    """Return the error after each step of a prediction that is fed back.

    Args:
        predict: a function from the last ten values to the next one, such as
            `lambda window: network.predict_on_batch(window.reshape(1, 1, 10)).item()`.
        steps: the number of values to predict.
    """
    true = np.sin(100 + GAP * np.arange(10 + steps))
    values = list(true[:10])
    for _ in range(steps):
        values.append(predict(np.array(values[-10:])))
    return np.abs(values[10:] - true[10:])


def exercise_3():
    """The network is off after 20 to 50 steps; the rule, measured here, is right after 1,000."""
    (before_last, last), _ = exercise_2()

    def rule(window):
        return before_last * window[-2] + last * window[-1]

    errors = follow(rule, 1000)
    return {f"step {step}": errors[step - 1].item() for step in (1, 50, 1000)}
