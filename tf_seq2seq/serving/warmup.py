"""Requests that the server runs through a version before it serves it.

The first request of a kind is slow: kernels are chosen and memory is taken. A version that brings
requests of its own is served only after they have been answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tf_seq2seq.errors import InputError
from tf_seq2seq.serving.fresh_process import CallError, run_calls

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
# The server refuses a version with more.
MOST = 1000


def prediction_log_pb2():
    """The protocol of the file.

    Raises:
        InputError: if TensorFlow Serving's protocol is not installed.
    """
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError as error:
        raise InputError(
            "Requests for the server want its protocol: pip install tensorflow-serving-api."
        ) from error
    return prediction_log_pb2


def choose(sentences: Sequence[str], lengths: int = 6) -> list[list[str]]:
    """Batches of the lengths that occur.

    Args:
        sentences: real sentences, as many as there are.
        lengths: how many are taken. Ordered by their number of characters, they are the first, the
            last, and others at equal distances.

    Returns:
        A batch of one for each of them, and one of them all.
    """
    ordered = sorted(set(sentences), key=len)
    count = min(lengths, len(ordered))
    chosen = [ordered[i * (len(ordered) - 1) // max(count - 1, 1)] for i in range(count)]
    return [*([sentence] for sentence in chosen), chosen]


def write(model: Path, batches: Sequence[Sequence[str]], name: str) -> None:
    """Write the requests of every signature, each of which has been run.

    Args:
        model: a version's folder that is not served yet.
        batches: sentences, see `choose`.
        name: the model's name.

    Raises:
        InputError: if TensorFlow Serving's protocol is not installed.
        RuntimeError: if a request fails, with which the server would refuse the version.
    """
    pb2 = prediction_log_pb2()
    graph = SavedModel.FromString((model / "saved_model.pb").read_bytes()).meta_graphs[0]
    calls = [
        (signature, {key: list(batch) for key in sorted(definition.inputs)})
        for signature, definition in sorted(graph.signature_def.items())
        for batch in batches
        if definition.inputs
    ]
    if len(calls) > MOST:
        raise ValueError(f"The server takes {MOST} requests, got {len(calls)}: choose fewer.")
    for (signature, _), result in zip(calls, run_calls(model, calls), strict=False):
        if isinstance(result, CallError):
            raise RuntimeError(f"The signature {signature!r} fails on its request: {result}")

    (model / FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(model / FILE)) as writer:
        for signature, inputs in calls:
            log = pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = name
            request.model_spec.signature_name = signature
            for key, value in inputs.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value, tf.string))
            writer.write(log.SerializeToString())


def read(model: Path) -> list[tuple[str, dict[str, list[bytes]]]]:
    """The requests of a version: signatures and their inputs; none without a file.

    Raises:
        InputError: if the file is damaged, or TensorFlow Serving's protocol is not installed.
    """
    if not (model / FILE).exists():
        return []
    pb2, calls = prediction_log_pb2(), []
    try:
        for record in tf.data.TFRecordDataset(str(model / FILE)).as_numpy_iterator():
            request = pb2.PredictionLog.FromString(record).predict_log.request
            inputs = {key: tf.make_ndarray(value).tolist() for key, value in request.inputs.items()}
            calls.append((request.model_spec.signature_name or "serving_default", inputs))
    except (tf.errors.OpError, ValueError, DecodeError) as error:
        raise InputError(f"{model / FILE} is no file of requests ({error}).") from error
    return calls
