"""Requests over REST, using `urllib3`."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

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
    explained,
    names_no_model,
    names_no_signature,
    names_spoiled_batch,
)
from tf_seq2seq.serving.client.transport import Address, Metadata, VersionStatus, described

# Threads that share a client keep at most this many connections open between requests.
_CONNECTIONS = 64
_CHUNK = 1 << 16


class RestTransport:
    """Requests over HTTP/1.1, on connections that stay open; see `Transport`."""

    def __init__(self, address: Address):
        self.address = address
        self._path = f"/v1/models/{urllib.parse.quote(address.model, safe='')}"
        if address.version is not None:
            self._path += f"/versions/{address.version}"
        if address.label is not None:
            self._path += f"/labels/{urllib.parse.quote(address.label, safe='')}"
        self._pool = urllib3.HTTPConnectionPool(address.host, address.port, maxsize=_CONNECTIONS)
        self._only_output: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def predict(
        self, signature: str, inputs: Mapping[str, list[bytes]], timeout: float
    ) -> dict[str, Any]:
        """Run a signature on a batch, and return its outputs as nested lists."""
        body = {
            "signature_name": signature,
            "inputs": {name: list(map(_for_json, values)) for name, values in inputs.items()},
        }
        outputs = self._request("POST", f"{self._path}:predict", body, timeout, "outputs")
        if isinstance(outputs, dict):
            return outputs
        # The server omits the name of an output if there is only one.
        if signature not in self._only_output:
            (name,) = self.metadata(timeout)[signature]["outputs"]
            self._only_output[signature] = name
        return {self._only_output[signature]: outputs}

    def status(self, timeout: float) -> list[VersionStatus]:
        """Return the status of each version of the model; the server ignores the label."""
        versions = self._request("GET", self._path, None, timeout, "model_version_status")
        return [
            VersionStatus(
                int(each["version"]), each["state"], each.get("status", {}).get("error_message", "")
            )
            for each in versions
        ]

    def version(self, timeout: float) -> int:
        """Return the number of the version that answers requests."""
        spec = self._request("GET", f"{self._path}/metadata", None, timeout, "model_spec")
        return int(spec["version"])

    def metadata(self, timeout: float) -> Metadata:
        """Return the signatures of the model."""
        metadata = self._request("GET", f"{self._path}/metadata", None, timeout, "metadata")
        signatures = metadata["signature_def"]["signature_def"]
        return {
            name: {
                side: {
                    key: described(
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
        """Return the value of `key` in the answer, a JSON object."""
        deadline = time.monotonic() + timeout
        content = None if body is None else json.dumps(body).encode()
        while True:
            opened = self._pool.num_connections
            try:
                status, text = self._exchange(method, path, content, deadline)
                break
            except (HTTPError, OSError) as error:
                # In urllib3 even the error for a refused connection is a subclass of a timeout.
                late = isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError)
                late = late and not isinstance(error, urllib3.exceptions.NewConnectionError)
                if late or time.monotonic() >= deadline:
                    reason = f"no answer within {timeout:.3g} seconds"
                    raise explained(DeadlineError, self.address, reason) from error
                # The server may close an idle connection just as it is reused; only the failure of
                # a new connection means that the server is unreachable.
                if self._pool.num_connections > opened:
                    reason = f"no connection: {error}"
                    raise explained(UnreachableError, self.address, reason) from error
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if status != 200:
            reason = answer.get("error", text) if isinstance(answer, dict) else text[:200]
            raise explained(_kind(status, str(reason)), self.address, reason)
        if not isinstance(answer, dict) or key not in answer:
            reason = f"no JSON object with {key!r}, but {text[:80]!r}"
            raise explained(ServingError, self.address, reason)
        return answer[key]

    def _exchange(self, method, path, content, deadline) -> tuple[int, str]:
        """Send a request, and return the status and the body of its answer."""
        response = self._pool.urlopen(
            method,
            path,
            content,
            {"Content-Type": "application/json"},
            retries=False,
            timeout=urllib3.Timeout(total=max(deadline - time.monotonic(), 0.001)),
            preload_content=False,
        )
        parts = []
        try:
            # urllib3's timeout applies to each read, and a slow body takes many reads.
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                # None once the server has announced that it will close the connection.
                if sock := getattr(response.connection, "sock", None):
                    sock.settimeout(left)
                if not (part := response.read1(_CHUNK)):
                    break
                parts.append(part)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return response.status, b"".join(parts).decode("utf-8", "replace")


def _kind(status: int, reason: str) -> type[ServingError]:
    if status == 400 and "version label" in reason:
        return UnknownLabelError
    if status == 400 and names_no_signature(reason):
        return UnknownSignatureError
    if status == 404 and names_no_model(reason):
        return ModelNotFoundError
    if names_spoiled_batch(reason):
        return SpoiledBatchError
    kinds = {
        400: InvalidInputError,
        413: InvalidInputError,  # a gateway's limit
        429: OverloadedError,
        502: UnreachableError,  # the server behind a gateway
        503: OverloadedError,
        504: DeadlineError,
    }
    return kinds.get(status, ServingError)


def _for_json(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}
