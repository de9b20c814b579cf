"""The client's errors, one class per kind, and the remedies in their messages."""

from __future__ import annotations

from tf_seq2seq.errors import InputError


class ServingError(InputError):
    """The server did not answer the request; the subclasses say why."""


class ModelNotFoundError(ServingError):
    """The server does not have this model, or this version of it."""


class UnknownLabelError(ServingError):
    """No version of the model has this label."""


class UnknownSignatureError(ServingError):
    """The model does not have this signature."""


class InvalidInputError(ServingError):
    """The signature does not accept these inputs."""


class OverloadedError(ServingError):
    """The server was too busy on every attempt."""


class SpoiledBatchError(ServingError):
    """On every attempt, the server merged the request with another client's malformed one."""


class DeadlineError(ServingError):
    """No answer arrived in time."""


class UnreachableError(ServingError):
    """No server answers at this address."""


TRANSIENT = (OverloadedError, SpoiledBatchError, UnreachableError)
"""Errors that a retry may resolve."""

_REMEDIES = {
    ModelNotFoundError: "see the server's model config for its models and versions",
    UnknownLabelError: "see the server's model config for its labels",
    UnknownSignatureError: "list the signatures with --metadata, `Client.metadata`",
    InvalidInputError: "list the inputs with --metadata, `Client.metadata`, or send less at once",
    OverloadedError: "try again later, or give the server more threads",
    SpoiledBatchError: "let a gateway check requests, or start the server without batching",
    DeadlineError: "allow more time, or send smaller batches",
    UnreachableError: "is the server running, and is this its port?",
}


def explained(kind: type[ServingError], address: object, reason: object) -> ServingError:
    """Return an error of one line, with the address, the server's reason and the remedy.

    Args:
        kind: the class of the error.
        address: the model and its server, such as "model 'en_zh' at localhost:8501".
        reason: what the server answered, or what went wrong.

    Example:

    >>> print(explained(DeadlineError, "model 'en_zh' at localhost:8501", "no answer"))
    The request to model 'en_zh' at localhost:8501 failed: no answer (allow more time, or send ...)
    """
    remedy = _REMEDIES.get(kind, "see the server's log")
    return kind(f"The request to {address} failed: {' '.join(str(reason).split())} ({remedy})")


def names_no_model(reason: str) -> bool:
    """Return whether a server's "not found" means the model, not something within it."""
    # The first is the answer to a prediction, the second to a request for the versions' status.
    return "Servable not found" in reason or " of model " in reason


def names_no_signature(reason: str) -> bool:
    """Return whether a server did not find the signature."""
    return "signature name" in reason and "not found" in reason


def names_spoiled_batch(reason: str) -> bool:
    """Return whether a server could not merge requests with different shapes or dtypes.

    All requests in the batch fail. This package's requests have the same rank and dtype, so the
    cause is another client's request.
    """
    return "padding is turned off" in reason or "different data types" in reason
