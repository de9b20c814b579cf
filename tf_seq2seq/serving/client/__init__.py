"""The client of a model server, over REST or gRPC. REST works without TensorFlow."""

from tf_seq2seq.serving.client.client import Client
from tf_seq2seq.serving.client.errors import (
    DeadlineError,
    InvalidInputError,
    ModelNotFoundError,
    OverloadedError,
    ServingError,
    SpoiledBatchError,
    UnknownLabelError,
    UnknownSignatureError,
    UnreachableError,
)
from tf_seq2seq.serving.client.transport import VersionStatus

__all__ = [
    "Client",
    "DeadlineError",
    "InvalidInputError",
    "ModelNotFoundError",
    "OverloadedError",
    "ServingError",
    "SpoiledBatchError",
    "UnknownLabelError",
    "UnknownSignatureError",
    "UnreachableError",
    "VersionStatus",
]
