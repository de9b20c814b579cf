"""The REST interface of the fake server."""

from __future__ import annotations

import base64
import functools
import json
import re
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
from google.protobuf import json_format
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2

from tf_seq2seq.serving.testing.errors import HTTP_STATUS, ServerError, invalid

if TYPE_CHECKING:
    from tf_seq2seq.serving.testing.server import FakeServer


def http_server(server: FakeServer, port: int) -> ThreadingHTTPServer:
    """Return an HTTP server that listens but does not answer yet.

    Args:
        server: the fake server that answers the requests.
        port: 0 for a free one.

    Raises:
        OSError: if the port is in use.
    """
    http = ThreadingHTTPServer(("127.0.0.1", port), functools.partial(_Handler, server))
    http.daemon_threads = True
    return http


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "fake"

    def __init__(self, server: FakeServer, *arguments):
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

    def _answer(self, work: Callable[[], Any]) -> None:
        try:
            status, answer = 200, work()
        except ServerError as error:
            status, answer = HTTP_STATUS.get(error.code, 500), {"error": str(error)}
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
            status = self._serving.status(spec)
            content = json_format.MessageToDict(status, preserving_proto_field_name=True)
            return {"model_version_status": content.get("model_version_status", [])}
        raise ServerError(grpc.StatusCode.NOT_FOUND, f"Malformed request: GET {self.path}")

    def _post(self, body: bytes):
        spec = self._spec(":predict")
        if spec is None:
            raise ServerError(grpc.StatusCode.NOT_FOUND, f"Malformed request: POST {self.path}")
        try:
            # Bytes that are not UTF-8 reach the model unchanged.
            request = json.loads(body.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError) as error:
            raise invalid(f"JSON Parse error: {error}") from error
        if not isinstance(request, dict) or ("instances" in request) == ("inputs" in request):
            raise invalid("JSON Value: expected 'instances' or 'inputs'")
        name = request.get("signature_name", "serving_default")
        if not isinstance(name, str):
            raise invalid(f"'signature_name' key must be a string value, got {name!r}")
        spec.signature_name = name
        version, name = self._serving.signature(spec)
        expected = version.signatures[name].inputs
        by_row = "instances" in request
        inputs = _columns(
            request["instances"] if by_row else request["inputs"], list(expected), by_row
        )
        arrays = {
            name: _array(value, name, expected[name].dtype if name in expected else None)
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
    """Return the inputs by name, from the row or column form of a request."""
    if not by_row:
        if isinstance(value, dict) and set(value) != {"b64"}:
            for name in names:
                if name not in value:
                    raise invalid(f"Missing named input: {name} in 'inputs' object.")
            return {name: value[name] for name in names}
        if len(names) == 1:
            return {names[0]: value}
        raise invalid(f"Missing named input: {names}")
    if not isinstance(value, list) or not value:
        raise invalid("No values in 'instances' array")
    named = [isinstance(row, dict) and set(row) != {"b64"} for row in value]
    if all(named):
        keys = set(value[0])
        if any(set(row) != keys for row in value):
            raise invalid("Expecting each instance to have the same named inputs")
        return {key: [row[key] for row in value] for key in keys}
    if any(named) or len(names) != 1:
        raise invalid(f"Missing named input: {names}")
    return {names[0]: value}


def _array(value, name, dtype) -> np.ndarray:
    def decode(item):
        if isinstance(item, dict) and set(item) == {"b64"}:
            try:
                return base64.b64decode(item["b64"], validate=True)
            except (ValueError, TypeError) as error:
                raise invalid(f"Unable to base64 decode {item['b64']!r}") from error
        if isinstance(item, list):
            return [decode(each) for each in item]
        if isinstance(item, str):
            return item.encode("utf-8", "surrogateescape")
        raise invalid(
            f"JSON Value: {json.dumps(item)} Type: {type(item).__name__} is not of expected type: "
            f"{types_pb2.DataType.Name(dtype or types_pb2.DT_STRING)[3:].lower()} (input {name!r})"
        )

    array = np.array(decode(value), object)
    if any(isinstance(item, list) for item in array.flat):
        raise invalid(f"The input {name!r} is ragged")
    return array


def _plain(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [_plain(part) for part in value] if isinstance(value, list) else value
