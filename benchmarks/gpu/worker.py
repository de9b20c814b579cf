"""A worker process: it answers commands, one JSON object a line; needs only Python's library."""

import json
import os
import sys
import traceback


class RefusalError(Exception):
    """A reason not to start that is the user's to remedy, as one sentence."""


def serve(start):
    """Answer the commands on standard input until it is closed.

    Args:
        start: a function that returns the side, an object with a method for each command. A method
            takes the arguments and returns the answer, a dict.
    """
    # Libraries print what they like to standard output, so the answers need a channel of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value):
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        side = start()
    except RefusalError as reason:
        answer({"refusal": str(reason)})
        return
    answer({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(getattr(side, request.pop("do"))(**request))
        except Exception as error:
            traceback.print_exc()
            sys.stderr.flush()
            reason = (str(error).strip() or "no message").splitlines()[0]
            answer({"error": f"{type(error).__name__}: {reason}"})
