"""Asks a TensorFlow Serving for translations, over REST or gRPC.

    python -m tf_seq2seq.serving.client --model en_zh --sentence "She bought a new book."
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
import math
import random
import socket
import sys
import threading
import time
import urllib.parse
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError
from tf_seq2seq.strings import Texts, listed, utf8, without_markers

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
        source_tokens, target_tokens: as the model read and wrote them, `<eos>` included, without
            the tokenizers' markers; empty unless they were asked for.
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
    Several threads can share a client. As a context manager it closes its connections.

    Args:
        model: the model's name on the server.
        host: the server's name or address. What is sent to it is not encrypted.
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

    >>> Client("en_zh").translate("She bought a new book.")[0].text
    '她买了一本新书。'
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
        if batch_size < 1 or not 0 < timeout < math.inf or retries < 0:
            raise InputError(
                f"Expected batch_size > 0, a finite timeout > 0 and retries >= 0, got "
                f"{batch_size}, {timeout} and {retries}."
            )
        port = PORTS[protocol] if port is None else port
        if not 0 < port < 65_536:
            raise InputError(f"A port is a number from 1 to 65535, got {port}.")
        host = host.removeprefix("[").removesuffix("]")
        if "/" in host or host.count(":") == 1 or not host.strip():
            raise InputError(f"A host is a name or an address without a port, got {host!r}.")
        self.timeout, self.retries, self.batch_size = timeout, retries, batch_size
        transport = _Rest if protocol == "rest" else _Grpc
        self._transport = transport(_Address(model, host, port, version, label))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, for good."""
        self._transport.close()

    def predict(self, signature: str, inputs: Mapping[str, Texts]) -> dict[str, list]:
        """Run any signature on any number of rows; those of like length share a request.

        Args:
            signature: its name.
            inputs: for each input as many strings as there are rows; bytes go as they are.

        Returns:
            For each output the value of each row. Where rows are filled up, by how much depends on
            the request they were in.

        Raises:
            InputError: if the inputs have not the same number of rows.
            TypeError: if something is not a string.
            ServingError: see its subclasses. A note tells which rows were asked for.
        """
        columns = {
            name: [utf8(text, position) for position, text in enumerate(listed(values))]
            for name, values in inputs.items()
        }
        counts = {name: len(values) for name, values in columns.items()}
        if len(set(counts.values())) != 1:
            raise InputError(f"The inputs have not the same number of rows: {counts}.")
        (rows,) = set(counts.values())
        order = sorted(range(rows), key=lambda row: sum(len(c[row]) for c in columns.values()))
        outputs: dict[str, list] = {}
        for first in range(0, rows, self.batch_size):
            places = order[first : first + self.batch_size]
            part = {name: [values[row] for row in places] for name, values in columns.items()}
            try:
                answer = self._ask(functools.partial(self._transport.predict, signature, part))
                for name, values in answer.items():
                    if not isinstance(values, list) or len(values) != len(places):
                        reason = f"its output {name!r} has not a row for each that was asked for"
                        raise _explained(ServingError, self._transport.address, reason)
            except ServingError as error:
                error.add_note(f"It was asked for the rows {sorted(places)} of {rows}.")
                raise
            for name, values in answer.items():
                column = outputs.setdefault(name, [None] * rows)
                for row, value in zip(places, values, strict=True):
                    column[row] = value
        return outputs

    def translate(self, sentences: Texts) -> list[ServedTranslation]:
        """The greedy translation of each sentence, of one or of any number."""
        rows = self._rows("serving_default", ("translation", "score"), text=sentences)
        return [ServedTranslation(*row) for row in rows]

    def n_best(self, sentences: Texts) -> list[list[ServedTranslation]]:
        """The translations that a beam finds for each sentence, the best first."""
        lowest = -3.4e38  # stands for a translation that was not found
        return [
            [
                ServedTranslation(text, score)
                for text, score in zip(texts, scores, strict=True)
                if score > lowest
            ]
            for texts, scores in self._rows("beam", ("translations", "scores"), text=sentences)
        ]

    def align(self, sentences: Texts) -> list[ServedTranslation]:
        """The translation of each sentence, with its tokens and what each one looked at."""
        names = ("translation", "score", "source_tokens", "target_tokens", "alignment")
        lengths = ("source_length", "target_length")
        return [
            ServedTranslation(
                text,
                score,
                tuple(without_markers(token) for token in source[:width]),
                tuple(without_markers(token) for token in target[:height]),
                [weights[:width] for weights in alignment[:height]],
            )
            for text, score, source, target, alignment, width, height in self._rows(
                "align", names + lengths, text=sentences
            )
        ]

    def score(self, sentences: Texts, translations: Texts) -> list[tuple[float, int]]:
        """The log probability of each given translation, in nats, and its number of tokens."""
        names = ("log_probability", "tokens")
        return self._rows("score", names, text=sentences, target=translations)

    def encode(self, sentences: Texts) -> list[list[float]]:
        """The vector `c = h_T` of each sentence."""
        return [context for (context,) in self._rows("encode", ("context",), text=sentences)]

    def status(self) -> list[VersionStatus]:
        """What the server says of the model's versions."""
        return self._ask(self._transport.status)

    def metadata(self) -> dict[str, dict[str, dict[str, str]]]:
        """The signatures: for each its `inputs` and `outputs`, by name, with dtype and shape."""
        return self._ask(self._transport.metadata)

    def wait_for(self, versions: Collection[int], seconds: float = 60.0) -> None:
        """Wait until these versions of the model can be asked, and no others.

        Raises:
            DeadlineError: if that takes longer.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                states = self.status()
            except ModelNotFoundError:
                states = []
            if {each.version for each in states if each.state == "AVAILABLE"} == set(versions):
                return
            if time.monotonic() > deadline:
                reason = f"after {seconds:g} seconds, the versions are {states}"
                raise _explained(DeadlineError, self._transport.address, reason)
            time.sleep(0.2)

    def _rows(self, signature: str, names: Sequence[str], **inputs: Texts) -> list[tuple]:
        """The named outputs of each row."""
        outputs = self.predict(signature, inputs)
        if not outputs:  # of no rows
            return []
        if missing := set(names) - set(outputs):
            reason = f"its signature {signature!r} has no outputs {sorted(missing)}"
            raise _explained(UnknownSignatureError, self._transport.address, reason)
        return list(zip(*(outputs[name] for name in names), strict=True))

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

    @property
    def authority(self) -> str:
        """The host and its port, as a URL has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        which = f" version {self.version}" if self.version is not None else ""
        which = f" label {self.label!r}" if self.label is not None else which
        return f"model {self.model!r}{which} at {self.authority}"


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
    return kind(f"The {address} says: {' '.join(str(reason).split())} ({remedy})")


class _Rest:
    """Requests over HTTP/1.1, on a connection for each thread that stays open."""

    def __init__(self, address: _Address):
        self.address = address
        self._path = f"/v1/models/{urllib.parse.quote(address.model, safe='')}"
        if address.version is not None:
            self._path += f"/versions/{address.version}"
        if address.label is not None:
            self._path += f"/labels/{urllib.parse.quote(address.label, safe='')}"
        self._local = threading.local()
        self._open = weakref.WeakSet()  # those of all threads that live
        self._only_output: dict[str, str] = {}

    def close(self) -> None:
        for connection in tuple(self._open):
            connection.close()

    def predict(self, signature: str, inputs: dict[str, list], timeout: float) -> dict[str, list]:
        body = {
            "signature_name": signature,
            "inputs": {name: list(map(_for_json, values)) for name, values in inputs.items()},
        }
        outputs = self._request("POST", f"{self._path}:predict", body, timeout, "outputs")
        if isinstance(outputs, dict):
            return outputs
        # The server leaves the name of an only output out.
        if signature not in self._only_output:
            (name,) = self.metadata(timeout)[signature]["outputs"]
            self._only_output[signature] = name
        return {self._only_output[signature]: outputs}

    def status(self, timeout: float) -> list[VersionStatus]:
        versions = self._request("GET", self._path, None, timeout, "model_version_status")
        return [
            VersionStatus(
                int(each["version"]), each["state"], each.get("status", {}).get("error_message", "")
            )
            for each in versions
        ]

    def metadata(self, timeout: float) -> dict[str, Any]:
        metadata = self._request("GET", f"{self._path}/metadata", None, timeout, "metadata")
        signatures = metadata["signature_def"]["signature_def"]
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

    def _request(self, method, path, body, timeout, key) -> Any:
        """What the answer, a JSON object, has under `key`."""
        deadline = time.monotonic() + timeout
        content = None if body is None else json.dumps(body).encode()
        while True:
            connection, reused = self._connection(deadline)
            try:
                status, text = self._exchange(connection, method, path, content, deadline)
                break
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if isinstance(error, TimeoutError) or time.monotonic() >= deadline:
                    reason = f"no answer within {timeout:.3g} seconds"
                    raise _explained(DeadlineError, self.address, reason) from error
                # One that stood open may have been closed by the server; a new one tells.
                if not reused:
                    reason = f"no connection: {error}"
                    raise _explained(UnreachableError, self.address, reason) from error
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if status != 200:
            reason = answer.get("error", text) if isinstance(answer, dict) else text[:200]
            raise _explained(self._kind(status, str(reason)), self.address, reason)
        if not isinstance(answer, dict) or key not in answer:
            reason = f"no JSON object with {key!r}, but {text[:80]!r}"
            raise _explained(ServingError, self.address, reason)
        return answer[key]

    def _connection(self, deadline) -> tuple[http.client.HTTPConnection, bool]:
        """This thread's connection, and whether it stood open."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(self.address.host, self.address.port)
            self._local.connection = connection
            self._open.add(connection)
        connection.timeout = max(deadline - time.monotonic(), 0.001)
        return connection, connection.sock is not None

    def _exchange(self, connection, method, path, content, deadline) -> tuple[int, str]:
        if connection.sock is None:
            connection.connect()
        # The timeout of a socket is one of each read, and an answer that trickles has many.
        connection.sock.settimeout(None)
        end = threading.Timer(deadline - time.monotonic(), _hang_up, [connection.sock])
        end.daemon = True
        end.start()
        try:
            connection.request(method, path, content, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", "replace")
        finally:
            end.cancel()

    @staticmethod
    def _kind(status: int, reason: str) -> type[ServingError]:
        if status == 400 and "version label" in reason:
            return UnknownLabelError
        if status == 400 and "signature name" in reason and "not found" in reason:
            return UnknownSignatureError
        if status == 404 and _names_no_model(reason):
            return ModelNotFoundError
        kinds = {
            400: InvalidInputError,
            429: OverloadedError,
            503: OverloadedError,
            504: DeadlineError,
        }
        return kinds.get(status, ServingError)


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side may have done so
        connection.shutdown(socket.SHUT_RDWR)


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
        self._channel = grpc.insecure_channel(address.authority, options)

    def close(self) -> None:
        self._channel.close()

    def predict(self, signature: str, inputs: dict[str, list], timeout: float) -> dict[str, list]:
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

        request = predict_pb2.PredictRequest()
        self._specify(request.model_spec)
        request.model_spec.signature_name = signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values, tf.string))
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
        if code is codes.UNAVAILABLE and any(
            word in reason.lower() for word in ("connect", "resol", "domain name")
        ):
            return UnreachableError
        if code is codes.NOT_FOUND and _names_no_model(reason):
            return ModelNotFoundError
        if code is codes.FAILED_PRECONDITION and "signature" in reason:
            return UnknownSignatureError
        kinds = {
            codes.INVALID_ARGUMENT: InvalidInputError,
            codes.RESOURCE_EXHAUSTED: OverloadedError,
            codes.UNAVAILABLE: OverloadedError,
            codes.DEADLINE_EXCEEDED: DeadlineError,
        }
        return kinds.get(code, ServingError)


def _names_no_model(reason: str) -> bool:
    # The first when it is asked for a translation, the second for the state of its versions.
    return "Servable not found" in reason or " of model " in reason


def _for_json(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


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

    lines = _lines(settings)
    if settings.align is not None and settings.align.suffix not in (".png", ".pdf", ".svg"):
        raise InputError(f"--align draws .png, .pdf or .svg, got {settings.align}.")
    with contextlib.ExitStack() as stack:
        output = sys.stdout
        if settings.output is not None:
            settings.output.parent.mkdir(parents=True, exist_ok=True)
            output = stack.enter_context(settings.output.open("w", encoding="utf-8"))
        # Each part is written as soon as it is there, and long enough to be sorted by length.
        size = 8 * settings.batch_size
        for first in range(0, len(lines), size):
            part = lines[first : first + size]
            if settings.beam:
                for number, found in enumerate(client.n_best(part), first + 1):
                    output.writelines(f"{number}\t{t.score:.4f}\t{t.text}\n" for t in found)
            else:
                output.writelines(f"{t.text}\n" for t in client.translate(part))
            output.flush()
    if settings.align is not None and lines:
        _draw(client.align(lines[:1])[0], settings.align)


def _lines(settings: Settings) -> list[bytes]:
    if settings.sentence is not None and settings.file is not None:
        raise InputError("Give --sentence or --file, not both.")
    if settings.sentence is not None:
        return [utf8(settings.sentence)]
    try:
        if settings.file is not None:
            content = settings.file.read_bytes()
        else:
            content = sys.stdin.buffer.read() if sys.stdin else b""
    except OSError as error:
        raise InputError(f"{settings.file} cannot be read: {error.strerror}.") from error
    if not content:
        return []
    return [line.removesuffix(b"\r") for line in content.removesuffix(b"\n").split(b"\n")]


def _draw(translation: ServedTranslation, picture: Path) -> None:
    try:
        import numpy as np

        from tf_seq2seq import plotting
    except ImportError as error:
        raise InputError(f"A picture wants {error.name}: pip install {error.name}.") from error
    if not translation.target_tokens:
        raise InputError("There is nothing to draw: the first sentence is empty.")
    plotting.alignment(
        translation.source_tokens, translation.target_tokens, np.array(translation.alignment)
    ).savefig(picture)


if __name__ == "__main__":
    main(from_command_line(Settings))
