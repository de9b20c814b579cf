"""A worker process: it answers commands, one JSON object a line; needs only Python's library."""

import json
import os
import resource
import sys
import time
import traceback

PRODUCTS = 20
"""How many products are timed at once."""


class RefusalError(Exception):
    """A reason not to start that is the user's to remedy, as one sentence."""


class Channel:
    """Reads commands from standard input, and writes answers.

    Libraries print what they like to standard output, so the answers need a channel of their own.
    """

    def __init__(self):
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def answer(self, value):
        self._answers.write(json.dumps(value) + "\n")
        self._answers.flush()

    def request(self):
        """Return the next command, or None at the end of the input."""
        line = sys.stdin.readline()
        return json.loads(line) if line else None


def serve(start):
    """Answer the commands on standard input until it is closed.

    Args:
        start: a function of the channel that returns the side, an object with a method for each
            command. A method takes the arguments and returns the answer, a dict.
    """
    channel = Channel()
    try:
        side = start(channel)
    except RefusalError as reason:
        channel.answer({"refusal": str(reason)})
        return
    channel.answer({"ready": True})
    while (request := channel.request()) is not None:
        try:
            channel.answer(getattr(side, request.pop("do"))(**request))
        except Exception as error:
            traceback.print_exc()
            sys.stderr.flush()
            reason = (str(error).strip() or "no message").splitlines()[0]
            channel.answer({"error": f"{type(error).__name__}: {reason}"})


class Stopwatch:
    """Measures wall time and the processor time of this process."""

    def __init__(self):
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def read(self):
        """Return the seconds since the start."""
        return {
            "seconds": time.perf_counter() - self._wall,
            "processor_seconds": time.process_time() - self._processor,
        }


def best_seconds(function, rounds=5):
    """Return the shortest time of a call, after two calls to warm up."""
    seconds = []
    for _ in range(rounds + 2):
        watch = Stopwatch()
        function()
        seconds.append(watch.read()["seconds"])
    return min(seconds[2:])


def peak_memory():
    """Return the most memory that this process has used so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
