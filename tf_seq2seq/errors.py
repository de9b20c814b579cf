"""Faults of the input and of the machine, rather than of the program."""

import errno

# What the system says where a place cannot be written to.
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
    ]
)


class InputError(ValueError):
    """A file, value or option of the user's that cannot be used.

    The message is one sentence for the user: it names the offending value and the remedy. The
    chapters print it without a traceback and exit with a non-zero code; in a program of yours it
    is an ordinary `ValueError`.
    """
