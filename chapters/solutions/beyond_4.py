"""Solutions of the exercises of the fourth chapter beyond the book."""

import contextlib
import json
import time
import urllib.request
from pathlib import Path

import tf_seq2seq as s2s
from tf_seq2seq.serving.serve import serve

REPOSITORY = Path(__file__).parents[2] / "saved_models"
SENTENCE = "She bought a new book."


@contextlib.contextmanager
def server():
    """Serve the committed model with the fake server."""
    with serve(REPOSITORY, fake=True) as served:
        yield served


def exercise_1(targets=("她买了一本新书。", "他买了一本旧书。")):
    """Each instance has both inputs by name; the wrong translation is far less probable."""
    instances = [{"text": SENTENCE, "target": target} for target in targets]
    body = json.dumps({"signature_name": "score", "instances": instances}).encode()
    with server() as served:
        url = f"http://{served.host}:{served.rest_port}/v1/models/en_zh:predict"
        with urllib.request.urlopen(url, body) as response:
            answers = json.load(response)["predictions"]
    return [answer["log_probability"] for answer in answers]


def exercise_2(count=32):
    """Tens of times as long: 32 sentences in one request take little longer than a single one."""
    sentences = s2s.data.synthetic_corpus(train=10, test=count).test.source
    with server() as served:
        client = served.client("en_zh", "rest")
        client(sentences)  # the first request is slow
        start = time.perf_counter()
        client(sentences)
        together = time.perf_counter() - start
        for sentence in sentences:
            client(sentence)
        return (time.perf_counter() - start - together) / together


def exercise_3():
    """The rest is the translation itself, as soon as the prefix agrees with it."""
    with server() as served:
        client = served.client("en_zh", "rest")
        whole = client(SENTENCE)[0].text
        completed = [client.complete(SENTENCE, whole[:n])[0].text for n in range(len(whole))]
    return whole, sum(text == whole for text in completed) / len(completed)
