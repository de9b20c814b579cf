"""REST: a server that fails in every way, and the form of requests."""

import contextlib
import http.server
import socket
import threading
import time

import pytest

from tf_seq2seq.serving import client as clients
from tf_seq2seq.serving.client import Client
from tf_seq2seq.translation import Translation


class Fails(http.server.BaseHTTPRequestHandler):
    """Send the next of a list of answers, some of which are failures."""

    answers: list  # (status, body), of the next requests

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.answers.pop(0)
        if status is None:
            time.sleep(1)
            return
        if status == "hang up":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if status in ("trickle", "stall", "truncate"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(10 if status == "trickle" else 1):
                    self.wfile.write(b" ")
                    time.sleep(0.1)
                time.sleep(1 if status == "stall" else 0)
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def failing():
    """Return a function from answers to a client of a server that sends them."""
    handler = type("Handler", (Fails,), {"answers": []})
    server = http.server.ThreadingHTTPServer(("localhost", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def client(*answers, **options):
        handler.answers[:] = answers
        return Client("m", port=server.server_address[1], **options), handler.answers

    yield client
    server.shutdown()
    server.server_close()


def ask(client):
    return client("a", details=False)


GOOD = 200, b'{"outputs": {"translation": ["x"], "score": [-1.5]}}'
BUSY = 503, b'{"error": "queue full"}'
PROXY = 503, b"<html>Service unavailable</html>"
SHAPES = 400, b'{"error": "Tensors have different shapes and padding is turned off."}'
DTYPES = 500, b'{"error": "Cannot concatenate tensors that have different data types"}'


def test_a_request_is_repeated_if_the_server_is_overloaded(failing):
    client, left = failing(BUSY, (429, b'{"error": "too many"}'), PROXY, GOOD)
    assert ask(client) == [Translation("x", -1.5)]
    assert not left
    client, left = failing(BUSY, BUSY, BUSY, retries=1)
    with pytest.raises(clients.OverloadedError, match=r"queue full \(try again later"):
        ask(client)
    assert len(left) == 1


def test_a_request_is_repeated_if_its_batch_was_spoiled_by_another(failing):
    client, left = failing(SHAPES, DTYPES, (400, DTYPES[1]), GOOD)
    assert ask(client) == [Translation("x", -1.5)]
    assert not left
    client, left = failing(SHAPES, SHAPES, SHAPES, retries=1)
    with pytest.raises(clients.SpoiledBatchError, match=r"turned off. \(let a gateway check"):
        ask(client)
    assert len(left) == 1


def test_errors_of_a_gateway(failing):
    client, left = failing((502, b"<html>Bad gateway</html>"), GOOD)
    assert ask(client) == [Translation("x", -1.5)]
    client, left = failing((413, b"<html>Too large</html>"), GOOD)
    with pytest.raises(clients.InvalidInputError, match=r"Too large.*send less at once"):
        ask(client)
    assert left == [GOOD]


def test_a_permanent_error_is_not_retried(failing):
    client, left = failing((400, b'{"error": "no such input"}'), GOOD)
    with pytest.raises(clients.InvalidInputError, match="no such input"):
        ask(client)
    assert len(left) == 1
    client, left = failing((500, b'{"error": "bug"}'), GOOD)
    with pytest.raises(clients.ServingError, match=r"bug .*see the server's log"):
        ask(client)
    client, left = failing((404, b'{"error": "Could not find\\n variable x"}'), GOOD)
    with pytest.raises(clients.ServingError, match="Could not find variable x") as failed:
        ask(client)
    assert type(failed.value) is clients.ServingError


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "no JSON object with 'outputs', but '<html>'"),
        (b"{}", "no JSON object with 'outputs'"),
        (b"[]", "no JSON object with 'outputs'"),
        (b'{"outputs": {"translation": [], "score": []}}', "does not have one row per input row"),
        (b'{"outputs": {"translation": "x", "score": 1}}', "does not have one row per input row"),
    ],
)
def test_answers_of_another_form(failing, body, message):
    client, _ = failing((200, body))
    with pytest.raises(clients.ServingError, match=message):
        ask(client)


@pytest.mark.parametrize("answer", [None, "trickle", "stall"])
def test_the_deadline_holds_for_the_whole_answer(failing, answer):
    client, _ = failing((answer, b""), timeout=0.3)
    began = time.monotonic()
    with pytest.raises(clients.DeadlineError, match="allow more time"):
        ask(client)
    assert time.monotonic() - began < 0.9


def test_a_connection_that_the_server_has_closed_is_reopened():
    listening = socket.create_server(("localhost", 0))
    bodies = []

    def serve():
        for _ in range(3):
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as received:
                length = 0
                while (line := received.readline().strip()) != b"":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                bodies.append(received.read(length))
                status, body = (200, GOOD[1]) if len(bodies) < 3 else (500, b"{}")
                head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)

    threading.Thread(target=serve, daemon=True).start()
    with Client("m", port=listening.getsockname()[1], retries=0, timeout=5) as client:
        assert ask(client) == ask(client)
        with pytest.raises(clients.ServingError, match="see the server's log"):
            ask(client)
    listening.close()
    assert len(bodies) == 3


def test_a_server_that_hangs_up_is_asked_once(failing):
    hung_up = "hang up", b""
    client, left = failing(hung_up, GOOD, retries=0)
    with pytest.raises(clients.UnreachableError):
        ask(client)
    assert left == [GOOD]


def test_an_answer_that_is_truncated(failing):
    client, left = failing(("truncate", b""), GOOD, retries=0)
    with pytest.raises(clients.UnreachableError):
        ask(client)
    assert left == [GOOD]
    client, left = failing(("truncate", b""), GOOD)
    assert ask(client) == [Translation("x", -1.5)]


def test_an_address_of_version_6():
    client = Client("m", host="[::1]", port=9, retries=0)
    with pytest.raises(clients.UnreachableError, match=r"model 'm' at \[::1\]:9 failed"):
        ask(client)
