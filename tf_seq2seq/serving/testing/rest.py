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

# The escapes of a JSON text. The first two alternatives are a surrogate pair and half of one.
_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F])|.)"
)


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
            with self._serving.rest_slots:
                self._send(200, self._serving.metrics().encode(), "text/plain")
            return
        self._answer(self._get)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(lambda: self._post(body))

    def _answer(self, work: Callable[[], Any]) -> None:
        try:
            with self._serving.rest_slots:
                status, answer = 200, work()
        except ServerError as error:
            status, answer = HTTP_STATUS.get(error.code, 500), {"error": str(error)}
        except Exception as error:  # an error in the fake server itself
            status, answer = 500, {"error": f"{type(error).__name__}: {error}"}
        # A message may quote bytes that are not UTF-8.
        self._send(status, json.dumps(answer, ensure_ascii=False).encode(errors="replace"))

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
            rf"(?i)/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?{ending}", self.path
        )
        if match is None:
            return None
        spec = predict_pb2.PredictRequest().model_spec
        spec.name = urllib.parse.unquote(match[1])
        if match[2]:
            spec.version.value = int(match[2])
        if match[3]:
            spec.version_label = urllib.parse.unquote(match[3])
        return spec

    def _malformed(self) -> ServerError:
        if not self.path.lower().startswith("/v1/"):
            return ServerError(grpc.StatusCode.NOT_FOUND, "Not Found")
        return invalid(f"Malformed request: {self.command} {self.path}")

    def _get(self):
        if spec := self._spec("/metadata"):
            version = self._serving.model(spec.name).find(spec)
            signatures = get_model_metadata_pb2.SignatureDefMap(
                signature_def=version.model.signatures
            )
            return {
                "model_spec": {
                    "name": spec.name,
                    "signature_name": "",
                    "version": str(version.number),
                },
                "metadata": {"signature_def": _as_json(signatures)},
            }
        if spec := self._spec(""):
            return _as_json(self._serving.status(spec))
        if self.path.lower() == "/v1/models":
            raise invalid("Missing model name in request.")
        raise self._malformed()

    def _post(self, body: bytes):
        spec = self._spec(":predict")
        if spec is None:
            raise self._malformed()
        request = _parsed(body)
        if not isinstance(request, dict) or ("instances" in request) == ("inputs" in request):
            raise invalid("JSON Value: expected 'instances' or 'inputs'")
        name = request.get("signature_name", "serving_default")
        if not isinstance(name, str):
            raise invalid(f"'signature_name' key must be a string value, got {name!r}")
        spec.signature_name = name.encode(errors="replace").decode()
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
        _, outputs = self._serving.predict(spec, arrays)
        columns = {
            name: _plain(array.tolist(), encode=name.endswith("_bytes"))
            for name, array in outputs.items()
        }
        if by_row:
            rows = [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
            only = len(columns) == 1
            return {"predictions": [next(iter(row.values())) if only else row for row in rows]}
        return {"outputs": columns if len(columns) > 1 else next(iter(columns.values()))}


def _as_json(message) -> dict[str, Any]:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _parsed(body: bytes) -> Any:
    """Return the JSON value at the beginning of a body; like the real server, ignore the rest."""
    # Bytes that are not UTF-8 reach the model unchanged, as surrogates; an escaped one is an error.
    text = body.decode("utf-8", "surrogateescape").lstrip(" \t\r\n")
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
    if any(match["lone"] for match in _ESCAPES.finditer(text, 0, end)):
        raise invalid("JSON Parse error: The surrogate pair in string is invalid")
    return value


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


def _plain(value, encode: bool):
    """Return an output for JSON; the server encodes those whose name ends in `_bytes`."""
    if isinstance(value, list):
        return [_plain(part, encode) for part in value]
    if not isinstance(value, bytes):
        return value
    if encode:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode("utf-8", "replace")
