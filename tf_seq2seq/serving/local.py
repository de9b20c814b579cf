"""A stand-in for TensorFlow Serving on this machine, for development and tests only.

    python -m tf_seq2seq.serving.local --config saved_models/models.config --root saved_models

It answers the server's gRPC and REST interfaces over real sockets, runs SavedModels by the C++
loader, polls their folders, and fails with the server's error codes. It has neither its speed nor
its safety: a signature that kills a server kills this too.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import json
import queue
import re
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format, text_format
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError
from tf_seq2seq.serving.export import versions
from tf_seq2seq.serving.native_model import NativeModel

NAME = "stand-in for TensorFlow Serving, for development and tests only"
_STATES = get_model_status_pb2.ModelVersionStatus
_HTTP = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


class ServerError(Exception):
    """A request that ends with an error of the server's."""

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code


def _invalid(message: str) -> ServerError:
    return ServerError(grpc.StatusCode.INVALID_ARGUMENT, message)


class Batching(NamedTuple):
    """How requests are put together, by the names of the server's parameters file."""

    max_batch_size: int = 64
    batch_timeout_micros: int = 2000
    allowed_batch_sizes: tuple[int, ...] = ()

    @classmethod
    def read(cls, file: Path) -> Batching:
        """From the server's text format."""
        try:
            text = re.sub(r"#.*", "", file.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror}.") from error
        values = {
            name: int(value) for name, value in re.findall(r"(\w+)\s*\{\s*value:\s*(\d+)", text)
        }
        sizes = tuple(int(size) for size in re.findall(r"allowed_batch_sizes:\s*(\d+)", text))
        known = {name: values[name] for name in cls._fields if name in values}
        return cls(**known, allowed_batch_sizes=sizes)


class _Version:
    """A version of a model that is loaded, or has failed to."""

    def __init__(self, directory: Path, batching: Batching | None):
        self.number, self.model, self.error = int(directory.name), None, ""
        self._batching, self._batchers, self._lock = batching, {}, threading.Lock()
        try:
            self.model = NativeModel(directory)
        except Exception as error:  # whatever it is, the other versions are served
            self.error = (str(error).strip() or type(error).__name__).splitlines()[0]

    @property
    def signatures(self) -> dict[str, Any]:
        return {n: s for n, s in self.model.signatures.items() if not n.startswith("__")}

    def run(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self._batching is None:
            return self._run(signature, inputs)
        with self._lock:
            if signature not in self._batchers:
                run = functools.partial(self._run, signature)
                self._batchers[signature] = _Batcher(run, self._batching)
        return self._batchers[signature].run(inputs)

    def _run(self, signature, inputs):
        try:
            return self.model(signature, inputs)
        except tf.errors.OpError as error:
            code = next(c for c in grpc.StatusCode if c.value[0] == error.error_code)
            raise ServerError(code, str(error)) from error


class _Batcher:
    """Puts requests that arrive together into one batch, and their answers back apart."""

    def __init__(self, run, parameters: Batching):
        self._run, self._parameters = run, parameters
        self._waiting: queue.Queue = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        sizes = {array.shape[:1] for array in inputs.values()}
        if len(sizes) != 1 or sizes == {()}:
            raise _invalid("Batching input tensors must have the same first dimension")
        ((size,),) = sizes
        if size > self._parameters.max_batch_size:
            raise _invalid(
                f"Task size {size} is larger than maximum input batch size "
                f"{self._parameters.max_batch_size}"
            )
        if size == 0:
            return self._run(inputs)  # where the server would wait for ever
        answer: futures.Future = futures.Future()
        self._waiting.put((size, inputs, answer))
        return answer.result()

    def _work(self):
        left_over = None
        while True:
            tasks, rows = [left_over or self._waiting.get()], 0
            left_over, rows = None, tasks[0][0]
            deadline = time.monotonic() + self._parameters.batch_timeout_micros / 1e6
            while rows < self._parameters.max_batch_size:
                try:
                    task = self._waiting.get(timeout=max(deadline - time.monotonic(), 0))
                except queue.Empty:
                    break
                shapes = [{n: a.shape[1:] for n, a in each[1].items()} for each in (tasks[0], task)]
                if rows + task[0] > self._parameters.max_batch_size or shapes[0] != shapes[1]:
                    left_over = task
                    break
                tasks.append(task)
                rows += task[0]
            self._answer(tasks, rows)

    def _answer(self, tasks, rows):
        allowed = [size for size in self._parameters.allowed_batch_sizes if size >= rows]
        inputs = {name: np.concatenate([task[1][name] for task in tasks]) for name in tasks[0][1]}
        if allowed:  # short batches are filled with copies of a row
            fill = np.zeros(min(allowed) - rows, int)
            inputs = {name: np.concatenate([a, a[fill]]) for name, a in inputs.items()}
        try:
            outputs = self._run(inputs)
        except Exception as error:
            for *_, answer in tasks:
                answer.set_exception(error)
            return
        first = 0
        for size, _, answer in tasks:
            answer.set_result({name: a[first : first + size] for name, a in outputs.items()})
            first += size


class _Model:
    """A model of the configuration, whose folder is looked at again and again."""

    def __init__(self, config, base_path: Path, batching: Batching | None):
        self.config, self.base_path, self.batching = config, base_path, batching
        self.versions: dict[int, _Version] = {}

    def poll(self) -> None:
        wanted = self._wanted(versions(self.base_path) if self.base_path.is_dir() else [])
        loaded = self.versions
        # Replaced in one stroke: others read it meanwhile, and old versions answer until then.
        self.versions = {
            number: loaded.get(number) or _Version(self.base_path / str(number), self.batching)
            for number in wanted
        }

    def _wanted(self, found: list[int]) -> list[int]:
        policy = self.config.model_version_policy
        if policy.HasField("all"):
            return found
        if policy.HasField("specific"):
            return [number for number in found if number in policy.specific.versions]
        return found[-(policy.latest.num_versions or 1) :]

    def find(self, spec) -> _Version:
        ready = {number: v for number, v in self.versions.items() if v.model is not None}
        which = spec.WhichOneof("version_choice")
        if which == "version_label":
            if spec.version_label not in self.config.version_labels:
                raise _invalid(f"Unrecognized servable version label: {spec.version_label}")
            number = self.config.version_labels[spec.version_label]
        else:
            number = spec.version.value if which == "version" else max(ready, default=None)
        if number not in ready:
            wanted = f"Latest({spec.name})" if which is None else f"Specific({spec.name}, {number})"
            raise ServerError(
                grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {wanted}"
            )
        return ready[number]


class LocalServer:
    """The stand-in; a context manager, within which it answers.

    Args:
        config: the server's model config, in its text format.
        root: the folder that stands for `/models` of the config.
        rest_port, grpc_port: 0 for free ones.
        batching: the server's batching parameters file; None to run each request by itself.
        threads: of gRPC; more calls at once are refused.
        cors: whether pages of other origins may ask.
        poll: seconds between two looks at the folders.

    Attributes:
        rest_port, grpc_port: where it answers.

    Raises:
        InputError: if a config cannot be read, or a port cannot be had.
    """

    def __init__(
        self,
        config: Path,
        root: Path,
        *,
        rest_port: int = 0,
        grpc_port: int = 0,
        batching: Path | None = None,
        threads: int = 64,
        cors: bool = False,
        poll: float = 1.0,
    ):
        try:
            parsed = text_format.Parse(
                Path(config).read_text(encoding="utf-8"),
                model_server_config_pb2.ModelServerConfig(),
            )
        except (OSError, text_format.ParseError) as error:
            raise InputError(f"{config} is no model config ({error}); give another.") from error
        parameters = None if batching is None else Batching.read(Path(batching))
        self.models = {}
        for model in parsed.model_config_list.config:
            path = Path(model.base_path)
            if not path.is_relative_to("/models"):
                raise InputError(f"In {config} a base_path is in /models, got {path}.")
            path = Path(root) / path.relative_to("/models")
            self.models[model.name] = _Model(model, path, parameters)
        self.cors = cors
        self.counts: Counter[tuple[str, str]] = Counter()
        self._poll, self._stopped = poll, threading.Event()

        try:
            self._http = ThreadingHTTPServer(
                ("127.0.0.1", rest_port), functools.partial(_RestHandler, self)
            )
        except OSError as error:
            raise _taken(rest_port, error) from error
        self._http.daemon_threads = True
        self.rest_port = self._http.server_address[1]
        self._grpc = grpc.server(
            futures.ThreadPoolExecutor(threads),
            maximum_concurrent_rpcs=threads,
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ],
        )
        service = _GrpcService(self)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, self._grpc)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(service, self._grpc)
        try:
            self.grpc_port = self._grpc.add_insecure_port(f"127.0.0.1:{grpc_port}")
        except RuntimeError as error:
            self._http.server_close()
            raise _taken(grpc_port, error) from error

    def __enter__(self) -> LocalServer:
        for model in self.models.values():
            model.poll()
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        threading.Thread(target=self._poll_again_and_again, daemon=True).start()
        self._grpc.start()
        return self

    def __exit__(self, *exception) -> None:
        self._stopped.set()
        self._grpc.stop(None)
        self._http.shutdown()
        self._http.server_close()

    def _poll_again_and_again(self):
        while not self._stopped.wait(self._poll):
            for model in self.models.values():
                model.poll()

    def model(self, name: str) -> _Model:
        if name not in self.models:
            raise ServerError(
                grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Latest({name})"
            )
        return self.models[name]

    def predict(self, spec, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            outputs = self._predict(spec, inputs)
        except ServerError as error:
            self.counts[spec.name, error.code.name] += 1
            raise
        self.counts[spec.name, "OK"] += 1
        return outputs

    def _predict(self, spec, inputs):
        version = self.model(spec.name).find(spec)
        name = spec.signature_name or "serving_default"
        signature = self.signature(version, name)
        for key in signature.inputs:
            if key not in inputs:
                raise _invalid(f"Request inputs do not match required inputs: missing {key!r}")
        for key, array in inputs.items():
            if key not in signature.inputs:
                raise _invalid(f"input tensor alias not found in signature: {key!r}")
            wanted = tf.as_dtype(signature.inputs[key].dtype)
            got = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
            if got != wanted:
                raise _invalid(
                    f"Tensor {key!r}: dtype {got.name} is not of expected type {wanted.name}"
                )
        return version.run(name, dict(inputs))

    @staticmethod
    def signature(version: _Version, name: str):
        if name not in version.signatures:
            raise ServerError(
                grpc.StatusCode.FAILED_PRECONDITION,
                f'Serving signature name: "{name}" not found in signature def',
            )
        return version.signatures[name]

    def metrics(self) -> str:
        """The count of requests, as the server's Prometheus page has it."""
        lines = ["# TYPE :tensorflow:serving:request_count counter"]
        lines += [
            f':tensorflow:serving:request_count{{model_name="{name}",status="{status}"}} {count}'
            for (name, status), count in sorted(self.counts.items())
        ]
        return "\n".join(lines) + "\n"


class _GrpcService(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    def __init__(self, server: LocalServer):
        self._server = server

    def Predict(self, request, context):  # noqa: N802
        with _aborting(context):
            inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
            outputs = self._server.predict(request.model_spec, inputs)
            response = predict_pb2.PredictResponse(model_spec=request.model_spec)
            for name, array in outputs.items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(array))
            return response

    def GetModelMetadata(self, request, context):  # noqa: N802
        with _aborting(context):
            version = self._server.model(request.model_spec.name).find(request.model_spec)
            signatures = get_model_metadata_pb2.SignatureDefMap(
                signature_def=version.model.signatures
            )
            response = get_model_metadata_pb2.GetModelMetadataResponse(
                model_spec=request.model_spec
            )
            response.metadata["signature_def"].Pack(signatures)
            return response

    def GetModelStatus(self, request, context):  # noqa: N802
        with _aborting(context):
            return _status(self._server, request.model_spec)


@contextlib.contextmanager
def _aborting(context) -> Iterator[None]:
    try:
        yield
    except ServerError as error:
        context.abort(error.code, str(error))


def _taken(port: int, error: Exception) -> InputError:
    return InputError(f"The port {port} cannot be had ({error}): choose another.")


def _status(server: LocalServer, spec):
    model = server.models.get(spec.name)
    if model is None or not model.versions:
        message = f"Could not find any versions of model {spec.name}"
        raise ServerError(grpc.StatusCode.NOT_FOUND, message)
    wanted = spec.WhichOneof("version_choice")
    numbers = sorted(model.versions) if wanted is None else [model.find(spec).number]
    response = get_model_status_pb2.GetModelStatusResponse()
    for number in reversed(numbers):
        version = model.versions[number]
        state = _STATES.END if version.model is None else _STATES.AVAILABLE
        each = response.model_version_status.add(version=number, state=state)
        each.status.error_message = version.error
    return response


class _RestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "stand-in"

    def __init__(self, server: LocalServer, *arguments):
        self._serving = server
        super().__init__(*arguments)

    def log_message(self, format, *arguments):
        pass

    def do_OPTIONS(self):
        self._send(200, b"")

    def do_GET(self):
        if self.path == "/monitoring/prometheus/metrics":
            self._send(200, self._serving.metrics().encode(), "text/plain")
            return
        self._answer(self._get)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(lambda: self._post(body))

    def _answer(self, work) -> None:
        try:
            status, answer = 200, work()
        except ServerError as error:
            status, answer = _HTTP.get(error.code, 500), {"error": str(error)}
        self._send(status, json.dumps(answer, ensure_ascii=False).encode())

    def _send(self, status, content, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self._serving.cors:
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Methods", "POST, GET")
            self.send_header("Access-Control-Allow-Headers", "Content-Type")
        self.end_headers()
        self.wfile.write(content)

    def _spec(self, ending: str):
        match = re.fullmatch(
            rf"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?{ending}",
            urllib.parse.unquote(self.path),
        )
        if match is None:
            return None
        spec = predict_pb2.PredictRequest().model_spec
        spec.name = match[1]
        if match[2]:
            spec.version.value = int(match[2])
        if match[3]:
            spec.version_label = match[3]
        return spec

    def _get(self):
        if spec := self._spec("/metadata"):
            version = self._serving.model(spec.name).find(spec)
            signatures = get_model_metadata_pb2.SignatureDefMap(
                signature_def=version.model.signatures
            )
            content = json_format.MessageToDict(signatures, preserving_proto_field_name=True)
            return {
                "model_spec": {"name": spec.name, "version": str(version.number)},
                "metadata": {"signature_def": {"signature_def": content["signature_def"]}},
            }
        if spec := self._spec(""):
            status = _status(self._serving, spec)
            content = json_format.MessageToDict(status, preserving_proto_field_name=True)
            return {"model_version_status": content.get("model_version_status", [])}
        raise ServerError(grpc.StatusCode.NOT_FOUND, f"Malformed request: GET {self.path}")

    def _post(self, body: bytes):
        spec = self._spec(":predict")
        if spec is None:
            raise ServerError(grpc.StatusCode.NOT_FOUND, f"Malformed request: POST {self.path}")
        try:
            # Bytes that are not UTF-8 reach the model as they are.
            request = json.loads(body.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError) as error:
            raise _invalid(f"JSON Parse error: {error}") from error
        if not isinstance(request, dict) or ("instances" in request) == ("inputs" in request):
            raise _invalid("JSON Value: expected 'instances' or 'inputs'")
        name = request.get("signature_name", "serving_default")
        if not isinstance(name, str):
            raise _invalid(f"'signature_name' key must be a string value, got {name!r}")
        spec.signature_name = name
        version = self._serving.model(spec.name).find(spec)
        names = list(self._serving.signature(version, spec.signature_name).inputs)
        by_row = "instances" in request
        inputs = _columns(request["instances"] if by_row else request["inputs"], names, by_row)
        signature = version.signatures[spec.signature_name]
        arrays = {
            name: _array(value, name, signature.inputs[name].dtype if name in names else None)
            for name, value in inputs.items()
        }
        outputs = self._serving.predict(spec, arrays)
        columns = {name: _plain(array.tolist()) for name, array in outputs.items()}
        if by_row:
            rows = [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
            only = len(columns) == 1
            return {"predictions": [next(iter(row.values())) if only else row for row in rows]}
        return {"outputs": columns if len(columns) > 1 else next(iter(columns.values()))}


def _columns(value, names, by_row) -> dict[str, Any]:
    """The inputs by name, from the row form or the column form of a request."""
    if not by_row:
        if isinstance(value, dict) and set(value) != {"b64"}:
            for name in names:
                if name not in value:
                    raise _invalid(f"Missing named input: {name} in 'inputs' object.")
            return {name: value[name] for name in names}
        if len(names) == 1:
            return {names[0]: value}
        raise _invalid(f"Missing named input: {names}")
    if not isinstance(value, list) or not value:
        raise _invalid("No values in 'instances' array")
    named = [isinstance(row, dict) and set(row) != {"b64"} for row in value]
    if all(named):
        keys = set(value[0])
        if any(set(row) != keys for row in value):
            raise _invalid("Expecting each instance to have the same named inputs")
        return {key: [row[key] for row in value] for key in keys}
    if any(named) or len(names) != 1:
        raise _invalid(f"Missing named input: {names}")
    return {names[0]: value}


def _array(value, name, dtype) -> np.ndarray:
    def decode(item):
        if isinstance(item, dict) and set(item) == {"b64"}:
            try:
                return base64.b64decode(item["b64"], validate=True)
            except (ValueError, TypeError) as error:
                raise _invalid(f"Unable to base64 decode {item['b64']!r}") from error
        if isinstance(item, list):
            return [decode(each) for each in item]
        if isinstance(item, str):
            return item.encode("utf-8", "surrogateescape")
        raise _invalid(
            f"JSON Value: {json.dumps(item)} Type: {type(item).__name__} is not of expected type: "
            f"{types_pb2.DataType.Name(dtype or types_pb2.DT_STRING)[3:].lower()} (input {name!r})"
        )

    array = np.array(decode(value), object)
    if any(isinstance(item, list) for item in array.flat):
        raise _invalid(f"The input {name!r} is ragged")
    return array


def _plain(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [_plain(part) for part in value] if isinstance(value, list) else value


@dataclasses.dataclass(frozen=True)
class Settings:
    """Answer like TensorFlow Serving: a stand-in for development and tests only."""

    config: Path = setting(Path("saved_models/models.config"), "the server's model config")
    root: Path = setting(Path("saved_models"), "the folder that stands for /models of the config")
    rest_port: int = setting(8501, "port of REST, 0 for a free one", least=0)
    grpc_port: int = setting(8500, "port of gRPC, 0 for a free one", least=0)
    batching: Path | None = setting(None, "the batching parameters (without it: no batching)")
    cors: bool = setting(False, "let pages of other origins ask")


if __name__ == "__main__":
    settings = from_command_line(Settings)
    with LocalServer(
        settings.config,
        settings.root,
        rest_port=settings.rest_port,
        grpc_port=settings.grpc_port,
        batching=settings.batching,
        cors=settings.cors,
    ) as server:
        print(f"This is a {NAME}.")
        print(f"REST: localhost:{server.rest_port}, gRPC: localhost:{server.grpc_port}", flush=True)
        threading.Event().wait()
