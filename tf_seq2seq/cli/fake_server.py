"""Run a fake TensorFlow Serving, for development and tests only.

tf-seq2seq-fake-server --config saved_models/models.config --root saved_models
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.serving.serving_api import require_serving_api


@dataclasses.dataclass(frozen=True)
class Settings:
    """Run a fake TensorFlow Serving, for development and tests only."""

    config: Path = setting(Path("saved_models/models.config"), "the server's model config")
    root: Path = setting(Path("saved_models"), "the folder that replaces /models in the config")
    rest_port: int = setting(8501, "port of REST, 0 for a free one", least=0)
    grpc_port: int = setting(8500, "port of gRPC, 0 for a free one", least=0)
    batching: Path | None = setting(None, "the batching parameters (default: no batching)")
    cors: bool = setting(False, "let web pages from other origins send requests")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `tf-seq2seq-fake-server` until it is interrupted."""
    settings = from_command_line(Settings, arguments)
    require_serving_api("The fake server")
    from tf_seq2seq.serving.testing import FakeServer

    with FakeServer(
        settings.config,
        settings.root,
        rest_port=settings.rest_port,
        grpc_port=settings.grpc_port,
        batching=settings.batching,
        cors=settings.cors,
    ) as server:
        print(f"This is a {server.NAME}.")
        print(f"REST: localhost:{server.rest_port}, gRPC: localhost:{server.grpc_port}", flush=True)
        # If another thread receives an interrupt, this one notices it only when it wakes up.
        stopped = threading.Event()
        while not stopped.wait(0.5):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
