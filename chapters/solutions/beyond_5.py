"""Solutions of the exercises of the fifth chapter beyond the book."""

import numpy as np


def exercise_1(rows=10, workers=4):
    """Worker 1 takes 1, 5 and 9; workers 2 and 3 have one row less."""
    return [list(range(worker, rows, workers)) for worker in range(workers)]


def exercise_2(lengths=(2, 9, 3, 10), workers=2):
    """The mean of the workers' means counts the words of short sentences more than the others."""
    rng = np.random.default_rng(1)
    # The longer a sentence, the harder are its words.
    losses = [length + rng.random(length) for length in lengths]
    shares = [np.concatenate(losses[worker::workers]) for worker in range(workers)]
    words = sum(map(len, shares))
    return {
        "all words": np.concatenate(losses).mean(),
        "sums of the workers": sum(share.sum() / words for share in shares),
        "mean of their means": np.mean([share.mean() for share in shares]),
    }


def exercise_3(count=10_000, workers=4):
    """By a millionth in float32. In float16, a long sum swallows what is added to it."""
    numbers = np.random.default_rng(1).random(count)
    differences = {}
    for dtype in ("float32", "float16"):
        rounded = numbers.astype(dtype)
        one, several = (
            sum(np.cumsum(rounded[w::n], dtype=dtype)[-1] for w in range(n)) for n in (1, workers)
        )
        differences[dtype] = abs(float(one) - float(several)) / numbers.sum()
    return differences
