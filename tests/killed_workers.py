"""Kill and stop workers at random moments: python killed_workers.py DIRECTORY KILLS HANGS SEED

Two workers train. SIGKILL or SIGSTOP takes one of them, the chief every other time, at a random
moment after both have joined: while the model is built, traced, trained or saved. The survivor must
end with one sentence, or have finished. Both are then started again with `--resume`, until a run
ends; the losses must be those of two workers that were left alone.

The folders `tests` and `chapters` must be in PYTHONPATH.
"""

import json
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
from jobs import Job

MODEL = "attention after"
OPTIONS = {"models": MODEL, "epochs": 6, "checkpoint_every": 2, "pause": 0.05, "resume": True}


def wait_for_start(job):
    for index in (0, 1):
        job.wait_for(index, "Training uses", seconds=300)
    return time.monotonic()


def train(folder, take=None):
    """Train two workers.

    Args:
        folder: where their files go.
        take: a signal, the worker that gets it, and the seconds until then; None for no signal.

    Returns:
        For how many seconds they have trained without a signal, or None; and for how many the
        survivor went on after it until it stopped, or None if it has finished.
    """
    with Job(folder, 2, **OPTIONS) as job:
        started = wait_for_start(job)
        if take is None:
            job.succeed(600)
            return time.monotonic() - started, None
        number, worker, seconds = take
        time.sleep(seconds)
        job.processes[worker].send_signal(number)
        taken = time.monotonic()
        code = job.processes[1 - worker].wait(120)
        survived = time.monotonic() - taken
        if not code:
            return None, None
        job.check_lost(1 - worker)
        return None, survived


def step_losses(folder):
    return np.array(json.loads((folder / "worker_0" / f"{MODEL}.json").read_text())["step_losses"])


def main(directory, kills, hangs, seed):
    """Take workers; raise an error if a survivor or an end is not as it should be."""
    choose = random.Random(seed)
    whole = directory / "whole"
    seconds, _ = train(whole)
    expected = step_losses(whole)
    left = [signal.SIGKILL] * kills + [signal.SIGSTOP] * hangs
    choose.shuffle(left)
    chains, difference, longest = 0, 0.0, 0.0
    while left:
        folder = directory / f"chain-{chains}"
        ended, is_late = None, False
        while ended is None:
            take = None
            if left and not is_late:
                take = left[-1], len(left) % 2, choose.uniform(0, seconds)
            ended, survived = train(folder, take)
            print(take, ended, survived, flush=True)
            is_late = survived is None  # the training had ended before the signal
            if not is_late:
                left.pop()
                longest = max(longest, survived)
        losses = step_losses(folder)
        np.testing.assert_allclose(losses, expected, rtol=1e-5, err_msg=str(folder))
        difference = max(difference, np.abs(losses - expected).max())
        chains += 1
    print(
        f"{kills} kills and {hangs} hangs, {chains} ends, greatest difference of a loss "
        f"{difference:.1e}, longest survival {longest:.0f} seconds"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
