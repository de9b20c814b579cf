"""The one exception that stands for a fault of the input rather than of the program."""


class InputError(ValueError):
    """A file, value or option of the user's that cannot be used.

    The message is one sentence for the user: it names the offending value and the remedy. The
    chapters print it without a traceback and exit with a non-zero code; in a program of yours it
    is an ordinary `ValueError`.
    """
