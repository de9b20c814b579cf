"""The optional package `tensorflow-serving-api`: gRPC, warm-up requests and the fake server."""

from __future__ import annotations

from tf_seq2seq.errors import InputError

REQUIREMENT = "tensorflow-serving-api>=2.21,<2.22"
"""The extra `serve` of the package."""


def require_serving_api(what: str) -> None:
    """Check that `tensorflow-serving-api` is installed.

    Args:
        what: the feature that needs it, used as the subject of the message.

    Raises:
        InputError: if it is not; the message contains the command that installs it.
    """
    try:
        import grpc  # noqa: F401
        import tensorflow_serving.apis  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"{what} needs TensorFlow Serving's API, which is not installed: run "
            f"pip install '{REQUIREMENT}'"
        ) from error
