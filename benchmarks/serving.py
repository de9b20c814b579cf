"""Measure how fast a served translator answers, for one client and for many.

    python benchmarks/serving.py                        the committed model, a few minutes
    python benchmarks/serving.py --translator DIR --sentences FILE
                                                        and one that a chapter saved
    python benchmarks/serving.py --fake-server          without TensorFlow Serving

The server is TensorFlow Serving (found by `tf_seq2seq.serving.serve.find_server`) or the package's
fake server; the first line of output names it. First, the latency at each batch size is measured
over gRPC, with one request at a time. Then 32 clients send 50 requests each, without and with
batching by the server, and every answer is compared with the one that a single client got.
"""

import concurrent.futures
import dataclasses
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

import tf_seq2seq as s2s
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.serving.serve import serve


@dataclasses.dataclass(frozen=True)
class Settings:
    """Measure latency and throughput of served translators."""

    repository: Path = setting(Path("saved_models"), "the model repository with en_zh")
    translator: Path | None = setting(None, "folder of another saved translator to measure")
    sentences: Path | None = setting(None, "sentences for --translator, one per line")
    requests: int = setting(50, "requests of each kind", least=2)
    clients: int = setting(32, "concurrent clients", least=1)
    fake_server: bool = setting(False, "measure the fake server, which is slower")

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        if self.translator is None:
            yield "without --translator", ("sentences",)


BATCHES = (1, 8, 64)
CONFIG = """
config {{ name: "{name}" base_path: "/models/{name}" model_platform: "tensorflow" }}
"""


def latencies(client, signature, sentences, batch):
    """Return the seconds that each request took, without the first two."""
    rng = np.random.default_rng(0)
    times = []
    for _ in range(settings.requests + 2):
        texts = [sentences[i] for i in rng.integers(0, len(sentences), batch)]
        began = time.perf_counter()
        client.predict(signature, {"text": texts})
        times.append(time.perf_counter() - began)
    return np.array(times[2:])


def crowd(served, name, sentences):
    """Return the requests per second of many clients, and the number of wrong answers."""
    texts = sentences[:50]
    client = served.client(name, "grpc", batch_size=1)
    alone = dict(zip(texts, client(texts, details=False), strict=True))

    def ask(number):
        client = served.client(name, "grpc", timeout=120)
        rng = np.random.default_rng(number)
        wrong = 0
        for _ in range(50):
            text = texts[rng.integers(len(texts))]
            (found,) = client(text, details=False)
            same = found.text == alone[text].text
            wrong += not (same and abs(found.score - alone[text].score) < 1e-4)
        return wrong

    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(settings.clients) as pool:
        wrong = sum(pool.map(ask, range(settings.clients)))
    return 50 * settings.clients / (time.perf_counter() - began), wrong


settings = from_command_line(Settings)
folder = Path(tempfile.mkdtemp())
try:
    shutil.copytree(settings.repository / "en_zh", folder / "en_zh")
    for name in ("batching.config", "monitoring.config"):
        shutil.copy(settings.repository / name, folder)
    corpora = {"en_zh": list(s2s.data.synthetic_corpus(train=0, dev=0, test=500).test.source)}
    if settings.translator:
        if settings.sentences is None:
            raise s2s.InputError("--translator needs --sentences: a file to translate.")
        s2s.serving.export(s2s.Translator.load(settings.translator), folder / "large")
        corpora["large"] = s2s.data.read_lines(settings.sentences)
    configs = "".join(CONFIG.format(name=name) for name in corpora)
    (folder / "models.config").write_text(f"model_config_list {{ {configs} }}")

    with serve(folder, fake=settings.fake_server) as served:
        print(f"{served.server}; {os.cpu_count()} processors")
        columns = "{:8} {:16} {:>5} {:>8} {:>8} {:>12}"
        print(columns.format("model", "signature", "batch", "p50 ms", "p99 ms", "sentences/s"))
        for name, sentences in corpora.items():
            for signature in ("serving_default", "beam"):
                for batch in BATCHES:
                    client = served.client(name, "grpc", batch_size=batch, timeout=120)
                    times = latencies(client, signature, sentences, batch)
                    p50, p99 = 1000 * np.percentile(times, [50, 99])
                    rate = batch / times.mean()
                    figures = f"{p50:.1f}", f"{p99:.1f}", f"{rate:.0f}"
                    print(columns.format(name, signature, batch, *figures))
    for batching in (False, True):
        with serve(folder, batching=batching, fake=settings.fake_server) as served:
            for name, sentences in corpora.items():
                rate, wrong = crowd(served, name, sentences)
                print(
                    f"{name}: {settings.clients} clients x 50 requests, batching "
                    f"{'on' if batching else 'off'}: {rate:.0f} requests/s, {wrong} wrong answers"
                )
finally:
    shutil.rmtree(folder)
