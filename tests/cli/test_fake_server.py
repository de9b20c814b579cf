import re
import signal
import subprocess
import sys

import pytest
from helpers import ROOT

from tf_seq2seq.serving.client import Client


@pytest.fixture
def _interruptible():
    """A process that a shell started in the background ignores SIGINT, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_it_answers_until_it_is_interrupted(repository):
    _, root = repository
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tf_seq2seq.cli.fake_server"),
            *("--config", root / "models.config", "--root", root),
            *("--rest-port", "0", "--grpc-port", "0", "--batching", root / "batching.config"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        first, second = process.stdout.readline(), process.stdout.readline()
        assert first == "This is a fake server, for development and tests only.\n"
        rest, grpc = map(int, re.findall(r"localhost:(\d+)", second))
        for protocol, port in (("rest", rest), ("grpc", grpc)):
            with Client("en_zh", port=port, protocol=protocol) as client:
                assert client.status()[0].state == "AVAILABLE"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130 or process.returncode == -signal.SIGINT
    assert "Traceback" not in errors
