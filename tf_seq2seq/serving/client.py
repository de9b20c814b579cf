"""Asks a TensorFlow Serving for translations, over REST or gRPC.

    python -m tf_seq2seq.serving.client --model en_zh --sentence "She reads a book."
    python -m tf_seq2seq.serving.client --model en_zh < sentences > translations

REST takes the standard library alone: this works on a machine without TensorFlow. gRPC takes
TensorFlow Serving's protocol, `pip install tensorflow-serving-api`.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tf_seq2seq.command_line import from_command_line, setting
from tf_seq2seq.errors import InputError

Inputs = Mapping[str, Sequence[str | bytes]]
PORTS = {"rest": 8501, "grpc": 8500}


class ServingError(InputError):
    """The server did not give an answer; its subclasses tell why."""


class ModelNotFoundError(ServingError):
    """There is no such model, or no such version of it."""


class UnknownLabelError(ServingError):
    """No version of the model has such a label."""


class UnknownSignatureError(ServingError):
    """The model has no such signature."""


class InvalidInputError(ServingError):
    """The signature does not take these inputs."""


class OverloadedError(ServingError):
    """The server has too much to do, and did so in all attempts."""


class DeadlineError(ServingError):
    """No answer came in time."""


class UnreachableError(ServingError):
    """Nobody answers at this address."""


_PASSING = (OverloadedError, UnreachableError)


class ServedTranslation(NamedTuple):
    """One sentence's translation.

    Attributes:
        text: the translation.
        score: its log probability, in nats.
        source_tokens, target_tokens: as the model read and wrote them, `<eos>` included; empty
            unless they were asked for.
        alignment: for each target token the attention weights of the source tokens; empty unless
            they were asked for.
    """

    text: str
    score: float
    source_tokens: Sequence[str] = ()
    target_tokens: Sequence[str] = ()
    alignment: Sequence[Sequence[float]] = ()


class VersionStatus(NamedTuple):
    """What the server says of a version: `state` is `AVAILABLE` if it can be asked."""

    version: int
    state: str
    error: str


class Client:
    """Asks one model of a server.

    It never sends an empty batch, which would block a thread of a server that batches. It asks
    again, after a while that doubles each time, where the server is overloaded or does not answer.
    Several threads can share a client.

    Args:
        model: the model's name on the server.
        host: where the server is.
        port: None for the protocol's own, 8501 for REST and 8500 for gRPC.
        protocol: `"rest"` or `"grpc"`.
        version: a version's number, None for the last one.
        label: a version's label, such as `"stable"`, instead.
        timeout: seconds for the answer to a batch, all attempts included.
        retries: how often to ask again.
        batch_size: the most sentences of a request; at most the server's `max_batch_size`.

    Raises:
        InputError: if an argument is out of its range, or the protocol is not installed.

    Example:

    >>> Client("en_zh").translate(["She reads a book."])[0].text
    '她看书。'
    """

    def __init__(
        self,
        model: str,
        host: str = "localhost",
        port: int | None = None,
        *,
        protocol: str = "rest",
        version: int | None = None,
        label: str | None = None,
        timeout: float = 30.0,
        retries: int = 6,
        batch_size: int = 32,
    ):
        if protocol not in PORTS:
            raise InputError(f"There is no protocol {protocol!r}: choose 'rest' or 'grpc'.")
        if version is not None and label is not None:
            raise InputError(f"Give the version {version} or the label {label!r}, not both.")
        if batch_size < 1 or timeout <= 0 or retries < 0:
            raise InputError(
                f"Expected batch_size > 0, timeout > 0 and retries >= 0, got {batch_size}, "
                f"{timeout} and {retries}."
            )
        self.timeout, self.retries, self.batch_size = timeout, retries, batch_size
        transport = _Rest if protocol == "rest" else _Grpc
        self._transport = transport(
            _Address(model, host, PORTS[protocol] if port is None else port, version, label)
        )

    def predict(self, signature: str, inputs: Inputs) -> dict[str, list]:
        """Run any signature on any number of rows.

        Args:
            signature: its name.
            inputs: for each input as many strings as there are rows; bytes go as they are.

        Returns:
            For each output the value of each row. Where rows are filled up, by how much depends on
            the request they were in.

        Raises:
            InputError: if the inputs have not the same number of rows.
            ServingError: see its subclasses.
        """
        counts = {name: len(values) for name, values in inputs.items()}
        if len(set(counts.values())) != 1:
            raise InputError(f"The inputs have not the same number of rows: {counts}.")
        rows = next(iter(counts.values()))
        outputs: dict[str, list] = {}
        for first in range(0, rows, self.batch_size):
            part = {
                name: list(values[first : first + self.batch_size])
                for name, values in inputs.items()
            }
            answer = self._ask(functools.partial(self._transport.predict, signature, part))
            for name, values in answer.items():
                outputs.setdefault(name, []).extend(values)
        return outputs

    def translate(self, sentences: Iterable[str | bytes]) -> list[ServedTranslation]:
        """The greedy translation of each sentence."""
        outputs = self._sorted("serving_default", {"text": list(sentences)})
        return [ServedTranslation(row["translation"], row["score"]) for row in outputs]

    def n_best(self, sentences: Iterable[str | bytes]) -> list[list[ServedTranslation]]:
        """The translations that a beam finds for each sentence, the best first."""
        outputs = self._sorted("beam", {"text": list(sentences)})
        lowest = -3.4e38  # stands for a translation that was not found
        return [
            [
                ServedTranslation(text, score)
                for text, score in zip(row["translations"], row["scores"], strict=True)
                if score > lowest
            ]
            for row in outputs
        ]

    def align(self, sentences: Iterable[str | bytes]) -> list[ServedTranslation]:
        """The translation of each sentence, with its tokens and what each one looked at."""
        outputs = self._sorted("align", {"text": list(sentences)})
        results = []
        for row in outputs:
            width, height = row["source_length"], row["target_length"]
            results.append(
                ServedTranslation(
                    row["translation"],
                    row["score"],
                    row["source_tokens"][:width],
                    row["target_tokens"][:height],
                    [weights[:width] for weights in row["alignment"][:height]],
                )
            )
        return results

    def score(
        self, sentences: Iterable[str | bytes], translations: Iterable[str | bytes]
    ) -> list[tuple[float, int]]:
        """The log probability of each given translation, in nats, and its number of tokens."""
        inputs = {"text": list(sentences), "target": list(translations)}
        return [(row["log_probability"], row["tokens"]) for row in self._sorted("score", inputs)]

    def encode(self, sentences: Iterable[str | bytes]) -> list[list[float]]:
        """The vector `c = h_T` of each sentence."""
        return [row["context"] for row in self._sorted("encode", {"text": list(sentences)})]

    def status(self) -> list[VersionStatus]:
        """What the server says of the model's versions."""
        return self._ask(self._transport.status)

    def metadata(self) -> dict[str, dict[str, dict[str, str]]]:
        """The signatures: for each its `inputs` and `outputs`, by name, with dtype and shape."""
        return self._ask(self._transport.metadata)

    def _sorted(self, signature, inputs) -> list[dict[str, Any]]:
        """As `predict`, by row; sentences of like length share a request, which saves padding."""
        texts = inputs["text"]
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        outputs = self.predict(
            signature, {name: [values[i] for i in order] for name, values in inputs.items()}
        )
        rows: list[dict[str, Any]] = [{}] * len(texts)
        for place, i in enumerate(order):
            rows[i] = {name: values[place] for name, values in outputs.items()}
        return rows

    def _ask(self, request: Callable[[float], Any]) -> Any:
        """Make a request within the time that is left, again where that may help."""
        deadline = time.monotonic() + self.timeout
        for attempt in range(self.retries + 1):
            try:
                return request(max(deadline - time.monotonic(), 0.001))
            except _PASSING as error:
                pause = random.uniform(0.05, 0.1) * 2**attempt
                if attempt == self.retries or time.monotonic() + pause > deadline:
                    error.add_note(f"Asked {attempt + 1} times.")
                    raise
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


class _Address(NamedTuple):
    model: str
    host: str
    port: int
    version: int | None
    label: str | None

    def __str__(self) -> str:
        which = f" version {self.version}" if self.version is not None else ""
        which = f" label {self.label!r}" if self.label is not None else which
        return f"model {self.model!r}{which} at {self.host}:{self.port}"


def _explained(kind: type[ServingError], address: _Address, reason: str) -> ServingError:
    remedy = {
        ModelNotFoundError: "see the server's model config for its models and versions",
        UnknownLabelError: "see the server's model config for its labels",
        UnknownSignatureError: "ask for the metadata to see its signatures",
        InvalidInputError: "ask for the metadata to see its inputs",
        OverloadedError: "ask later, or give the server more threads",
        DeadlineError: "allow more time, or send less at once",
        UnreachableError: "is the server running, and is that its port?",
    }.get(kind, "see the server's log")
    return kind(f"The {address} says: {reason.strip()} ({remedy})")


class _Rest:
    """Requests over HTTP/1.1, on a connection for each thread that stays open."""

    def __init__(self, address: _Address):
        self.address = address
        self._path = f"/v1/models/{address.model}"
        if address.version is not None:
            self._path += f"/versions/{address.version}"
        if address.label is not None:
            self._path += f"/labels/{address.label}"
        self._local = threading.local()
        self._only_output: dict[str, str] = {}

    def predict(self, signature: str, inputs: dict[str, list], timeout: float) -> dict[str, list]:
        body = {
            "signature_name": signature,
            "inputs": {name: list(map(_for_json, values)) for name, values in inputs.items()},
        }
        outputs = self._request("POST", f"{self._path}:predict", body, timeout)["outputs"]
        if isinstance(outputs, dict):
            return outputs
        # The server leaves the name of an only output out.
        if signature not in self._only_output:
            (name,) = self.metadata(timeout)[signature]["outputs"]
            self._only_output[signature] = name
        return {self._only_output[signature]: outputs}

    def status(self, timeout: float) -> list[VersionStatus]:
        answer = self._request("GET", self._path, None, timeout)
        return [
            VersionStatus(
                int(each["version"]), each["state"], each.get("status", {}).get("error_message", "")
            )
            for each in answer["model_version_status"]
        ]

    def metadata(self, timeout: float) -> dict[str, Any]:
        answer = self._request("GET", f"{self._path}/metadata", None, timeout)
        signatures = answer["metadata"]["signature_def"]["signature_def"]
        return {
            name: {
                side: {
                    key: _described(
                        tensor["dtype"],
                        [int(dim["size"]) for dim in tensor["tensor_shape"].get("dim", [])],
                    )
                    for key, tensor in signature[side].items()
                }
                for side in ("inputs", "outputs")
            }
            for name, signature in signatures.items()
            if not name.startswith("__")
        }

    def _request(self, method, path, body, timeout) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        for fresh in (False, True):
            try:
                connection = self._connection(timeout, fresh)
                connection.request(method, path, content, {"Content-Type": "application/json"})
                response = connection.getresponse()
                text = response.read().decode("utf-8", "replace")
                break
            except TimeoutError as error:
                self._forget()
                raise _explained(DeadlineError, self.address, f"no answer: {error}") from error
            except (OSError, http.client.HTTPException) as error:
                self._forget()
                # A connection that was open may have been closed meanwhile; a new one tells.
                if fresh:
                    reason = f"no connection: {error}"
                    raise _explained(UnreachableError, self.address, reason) from error
        try:
            answer = json.loads(text)
        except ValueError as error:
            reason = f"no JSON, but {text[:80]!r}"
            raise _explained(ServingError, self.address, reason) from error
        if response.status != 200:
            reason = answer.get("error", text) if isinstance(answer, dict) else text
            raise _explained(self._kind(response.status, reason), self.address, reason)
        return answer

    def _connection(self, timeout, fresh):
        connection = getattr(self._local, "connection", None)
        if fresh or connection is None:
            self._forget()
            connection = http.client.HTTPConnection(
                self.address.host, self.address.port, timeout=timeout
            )
            self._local.connection = connection
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        return connection

    def _forget(self):
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
        self._local.connection = None

    @staticmethod
    def _kind(status: int, reason: str) -> type[ServingError]:
        if status == 400 and "version label" in reason:
            return UnknownLabelError
        if status == 400 and "signature name" in reason and "not found" in reason:
            return UnknownSignatureError
        kinds = {
            400: InvalidInputError,
            404: ModelNotFoundError,
            429: OverloadedError,
            503: OverloadedError,
            504: DeadlineError,
        }
        return kinds.get(status, ServingError)


class _Grpc:
    """Requests over gRPC, by the generated stubs of tensorflow-serving-api."""

    def __init__(self, address: _Address):
        try:
            import grpc
            from tensorflow_serving import apis  # noqa: F401
        except ImportError as error:
            raise InputError(
                "gRPC wants the server's protocol: pip install tensorflow-serving-api, or ask "
                "over REST."
            ) from error
        self._grpc, self.address = grpc, address
        # An answer of many alignments is longer than gRPC's usual 4 MB.
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._channel = grpc.insecure_channel(f"{address.host}:{address.port}", options)

    def predict(self, signature: str, inputs: dict[str, list], timeout: float) -> dict[str, list]:
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

        request = predict_pb2.PredictRequest()
        self._specify(request.model_spec)
        request.model_spec.signature_name = signature
        for name, values in inputs.items():
            encoded = [_to_bytes(value) for value in values]
            request.inputs[name].CopyFrom(tf.make_tensor_proto(encoded, tf.string))
        stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        outputs = self._call(stub.Predict, request, timeout).outputs
        return {name: _decoded(tf.make_ndarray(value).tolist()) for name, value in outputs.items()}

    def status(self, timeout: float) -> list[VersionStatus]:
        from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

        request = get_model_status_pb2.GetModelStatusRequest()
        self._specify(request.model_spec)
        stub = model_service_pb2_grpc.ModelServiceStub(self._channel)
        answer = self._call(stub.GetModelStatus, request, timeout)
        states = get_model_status_pb2.ModelVersionStatus.State
        return [
            VersionStatus(each.version, states.Name(each.state), each.status.error_message)
            for each in answer.model_version_status
        ]

    def metadata(self, timeout: float) -> dict[str, Any]:
        from tensorflow.core.framework import types_pb2
        from tensorflow_serving.apis import get_model_metadata_pb2, prediction_service_pb2_grpc

        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        self._specify(request.model_spec)
        stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        answer = self._call(stub.GetModelMetadata, request, timeout)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(signatures)

        def described(tensors):
            return {
                key: _described(
                    types_pb2.DataType.Name(tensor.dtype),
                    [dim.size for dim in tensor.tensor_shape.dim],
                )
                for key, tensor in tensors.items()
            }

        return {
            name: {"inputs": described(each.inputs), "outputs": described(each.outputs)}
            for name, each in signatures.signature_def.items()
            if not name.startswith("__")
        }

    def _specify(self, spec):
        spec.name = self.address.model
        if self.address.version is not None:
            spec.version.value = self.address.version
        if self.address.label is not None:
            spec.version_label = self.address.label

    def _call(self, method, request, timeout):
        try:
            return method(request, timeout=timeout)
        except self._grpc.RpcError as error:
            kind = self._kind(error.code(), error.details())
            raise _explained(kind, self.address, error.details()) from error

    def _kind(self, code, reason: str) -> type[ServingError]:
        codes = self._grpc.StatusCode
        if code is codes.INVALID_ARGUMENT and "version label" in reason:
            return UnknownLabelError
        if code is codes.UNAVAILABLE and "connect" in reason:
            return UnreachableError
        kinds = {
            codes.NOT_FOUND: ModelNotFoundError,
            codes.FAILED_PRECONDITION: UnknownSignatureError,
            codes.INVALID_ARGUMENT: InvalidInputError,
            codes.RESOURCE_EXHAUSTED: OverloadedError,
            codes.UNAVAILABLE: OverloadedError,
            codes.DEADLINE_EXCEEDED: DeadlineError,
        }
        return kinds.get(code, ServingError)


def _to_bytes(value: str | bytes) -> bytes:
    # A command line hands bytes that are not UTF-8 on as surrogates.
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def _for_json(value: str | bytes) -> Any:
    encoded = _to_bytes(value)
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(encoded).decode()}


def _decoded(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [_decoded(part) for part in value] if isinstance(value, list) else value


def _described(dtype: str, shape: list[int]) -> str:
    sizes = ", ".join("-" if size < 0 else str(size) for size in shape)
    return f"{dtype.removeprefix('DT_').lower()}[{sizes}]"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Translate with a TensorFlow Serving: a sentence, a file, or what comes on standard input."""

    model: str = setting("en_zh", "the model's name on the server")
    host: str = setting("localhost", "where the server is")
    port: int | None = setting(None, "its port (without it: 8501 for rest, 8500 for grpc)")
    protocol: str = setting("rest", "how to ask", choices=tuple(PORTS))
    version: int | None = setting(None, "a version of the model (without it: the last)")
    label: str | None = setting(None, "a label of a version, instead")
    timeout: float = setting(30.0, "seconds for the answer to a request", least=0.001)
    batch_size: int = setting(32, "sentences of a request", least=1)
    sentence: str | None = setting(None, "the sentence to translate")
    file: Path | None = setting(None, "a file to translate, one sentence a line")
    output: Path | None = setting(None, "where the translations go (without it: standard output)")
    beam: bool = setting(False, "search with a beam, and write all that it finds, with scores")
    align: Path | None = setting(None, "a picture to draw: what the first sentence looked at")
    status: bool = setting(False, "print the state of the model's versions instead")
    metadata: bool = setting(False, "print the model's signatures instead")


def main(settings: Settings) -> None:
    """What the command does."""
    client = Client(
        settings.model,
        settings.host,
        settings.port,
        protocol=settings.protocol,
        version=settings.version,
        label=settings.label,
        timeout=settings.timeout,
        batch_size=settings.batch_size,
    )
    if settings.status:
        for version, state, error in client.status():
            print(f"version {version}: {state}{f' ({error})' if error else ''}")
    if settings.metadata:
        for name, sides in sorted(client.metadata().items()):
            inputs, outputs = (
                ", ".join(f"{key} {value}" for key, value in sorted(sides[side].items()))
                for side in ("inputs", "outputs")
            )
            print(f"{name}: {inputs} -> {outputs}")
    if settings.status or settings.metadata:
        return

    if settings.sentence is not None:
        lines = [_to_bytes(settings.sentence)]
    elif settings.file is not None:
        lines = _lines(settings.file.read_bytes())
    else:
        lines = _lines(sys.stdin.buffer.read())
    with contextlib.ExitStack() as stack:
        output = sys.stdout
        if settings.output is not None:
            output = stack.enter_context(settings.output.open("w", encoding="utf-8"))
        for first in range(0, len(lines), settings.batch_size):
            part = lines[first : first + settings.batch_size]
            if settings.beam:
                for number, found in enumerate(client.n_best(part), first + 1):
                    output.writelines(f"{number}\t{t.score:.4f}\t{t.text}\n" for t in found)
            else:
                output.writelines(f"{t.text}\n" for t in client.translate(part))
            output.flush()
    if settings.align is not None and lines:
        _draw(client.align(lines[:1])[0], settings.align)


def _lines(content: bytes) -> list[bytes]:
    if not content:
        return []
    return [line.removesuffix(b"\r") for line in content.removesuffix(b"\n").split(b"\n")]


def _draw(translation: ServedTranslation, picture: Path) -> None:
    import numpy as np

    from tf_seq2seq import plotting

    if not translation.target_tokens:
        raise InputError("There is nothing to draw: the first sentence is empty.")
    plotting.alignment(
        translation.source_tokens, translation.target_tokens, np.array(translation.alignment)
    ).savefig(picture)


if __name__ == "__main__":
    main(from_command_line(Settings))
