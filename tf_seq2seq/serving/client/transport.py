"""The interface of a transport, which `rest` and `grpc` implement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

Metadata = dict[str, dict[str, dict[str, str]]]
"""The `inputs` and `outputs` of each signature, by name, with dtype and shape."""


class Address(NamedTuple):
    """A model on a server."""

    model: str
    host: str
    port: int
    version: int | None = None
    label: str | None = None

    @property
    def authority(self) -> str:
        """The host and port as they appear in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        which = f" version {self.version}" if self.version is not None else ""
        which = f" label {self.label!r}" if self.label is not None else which
        return f"model {self.model!r}{which} at {self.authority}"


class VersionStatus(NamedTuple):
    """The status of a version: it answers requests if `state` is `AVAILABLE`."""

    version: int
    state: str
    error: str


class Transport(Protocol):
    """Requests to one model over one protocol.

    Each method takes its timeout in seconds, and raises a `ServingError` if the server
    does not answer within it.
    """

    address: Address

    def close(self) -> None:
        """Close the connections."""
        ...

    def predict(
        self, signature: str, inputs: Mapping[str, list[bytes]], timeout: float
    ) -> dict[str, Any]:
        """Run a signature on a batch, and return its outputs as nested lists."""
        ...

    def status(self, timeout: float) -> list[VersionStatus]:
        """Return the status of each version of the model; the server ignores the label."""
        ...

    def version(self, timeout: float) -> int:
        """Return the number of the version that answers requests."""
        ...

    def metadata(self, timeout: float) -> Metadata:
        """Return the signatures of the model."""
        ...


def described(dtype: str, shape: Sequence[int]) -> str:
    """Format the dtype and shape of a tensor.

    Example:

    >>> described("DT_FLOAT", [-1, 5])
    'float[-, 5]'
    """
    sizes = ", ".join("-" if size < 0 else str(size) for size in shape)
    return f"{dtype.removeprefix('DT_').lower()}[{sizes}]"
