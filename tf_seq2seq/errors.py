"""Errors caused by the input or the machine rather than by a bug."""

import errno

# The values of `errno` for a file that cannot be written.
DISK_FAULTS = frozenset(
    [
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EEXIST,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.ELOOP,
    ]
)


class InputError(ValueError):
    """Raised for a file, value or option from the user that cannot be used.

    The message is one sentence for the user, which names the offending value and the remedy. The
    scripts print it without a traceback and exit with a nonzero code; in your own code it is an
    ordinary `ValueError`.

    Example:

    >>> s2s.data.read_lines("missing.txt")
    Traceback (most recent call last):
    tf_seq2seq.errors.InputError: missing.txt cannot be read (...): check the path.
    """


class Interrupted(BaseException):
    """Raised by `training.fit` after SIGTERM, once it has written a checkpoint.

    The message is one sentence that says how to resume. Like `KeyboardInterrupt`, it is not an
    `Exception`, so that code that catches any error does not continue when the machine is about
    to be taken away. The scripts print the sentence and exit with code 143, as the shell
    reports for SIGTERM.
    """
