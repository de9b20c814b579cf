"""Warm-up requests, which a server runs before a version goes live.

The first request of a kind is slow, because kernels are chosen and memory is allocated. With
warm-up requests, no client has to wait for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import first_line
from tf_seq2seq.serving.fresh_process import CallError, run_calls
from tf_seq2seq.serving.serving_api import require_serving_api
from tf_seq2seq.strings import Texts, listed

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
"""Path of the requests within a version's folder."""

MAXIMUM = 1000
"""The maximum number of requests; with more, a server refuses the version."""


def prediction_log_pb2() -> ModuleType:
    """Return the protocol buffer module for the records of the file.

    Raises:
        InputError: if `tensorflow-serving-api` is not installed.
    """
    require_serving_api("A file of warm-up requests")
    from tensorflow_serving.apis import prediction_log_pb2

    return prediction_log_pb2


def choose(sentences: Texts, lengths: int = 6) -> list[list[str | bytes]]:
    """Choose batches that cover the lengths of real sentences.

    Args:
        sentences: real sentences, any number, or one string.
        lengths: number of sentences to choose. Sorted by number of characters, these are the
            first, the last, and others at equal distances.

    Returns:
        One batch per chosen sentence, and one batch with all of them.

    Example:

    >>> choose(["aaa", "a", "aa", "aaaa"], lengths=3)
    [['a'], ['aa'], ['aaaa'], ['a', 'aa', 'aaaa']]
    """
    ordered = sorted(set(listed(sentences)), key=len)
    count = min(check_integer("lengths", lengths, minimum=1), len(ordered))
    chosen = [ordered[i * (len(ordered) - 1) // max(count - 1, 1)] for i in range(count)]
    return [*([sentence] for sentence in chosen), chosen]


def write(model: Path, batches: Sequence[Sequence[str | bytes]], name: str) -> None:
    """Write requests for every signature, after running each of them once.

    Args:
        model: a version's folder that is not served yet.
        batches: sentences, see `choose`.
        name: the model's name.

    Raises:
        InputError: if `tensorflow-serving-api` is not installed, or there are more than `MAXIMUM`
            requests.
        RuntimeError: if a request fails, in which case the server would refuse the version.
    """
    pb2 = prediction_log_pb2()
    graph = SavedModel.FromString((model / "saved_model.pb").read_bytes()).meta_graphs[0]
    calls = [
        (signature, {key: list(batch) for key in sorted(definition.inputs)})
        for signature, definition in sorted(graph.signature_def.items())
        for batch in batches
        if definition.inputs
    ]
    if len(calls) > MAXIMUM:
        raise InputError(
            f"A server accepts at most {MAXIMUM} warm-up requests, got {len(calls)}: choose fewer "
            "sentences."
        )
    for (signature, _), result in zip(calls, run_calls(model, calls), strict=False):
        if isinstance(result, CallError):
            raise RuntimeError(f"The signature {signature!r} fails on a warm-up request: {result}")

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
    """Read a version's requests as pairs of signature and inputs; empty without a file.

    Raises:
        InputError: if the file is damaged, or `tensorflow-serving-api` is not installed.
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
        raise InputError(
            f"{model / FILE} does not contain warm-up requests ({first_line(error)}); export the "
            "model again."
        ) from error
    return calls
