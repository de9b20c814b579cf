"""Compare a translator as a LiteRT file with the same translator as a SavedModel.

    python benchmarks/device.py                         about a minute
    python benchmarks/device.py --translator DIR --sentences FILE
                                                        and one that a chapter saved

Needs `pip install ai-edge-litert`, the interpreter, which runs in a process without TensorFlow. The
SavedModel runs in this process, through TensorFlow's C++ loader; its time includes tokenizing. Both
get one sentence at a time. The models are the committed one, and `tuned` of `training.py`, which is
untrained: it always writes 13 words, the mean of Multi30k, and its translations are not compared.
"""

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.serving.litert import WEIGHTS
from tf_seq2seq.serving.native_model import NativeModel

SIDES = Path(__file__).parent / "sides"
LENGTH = 13


@dataclasses.dataclass(frozen=True)
class Settings:
    """Compare LiteRT files with SavedModels: size, time and translations."""

    translator: Path | None = setting(None, "folder of another saved translator to measure")
    sentences: Path | None = setting(None, "sentences for --translator, one per line")
    count: int = setting(200, "number of sentences", least=1)
    threads: int = setting(1, "threads of LiteRT and of TensorFlow", least=1)

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        if self.translator is None:
            yield "without --translator", ("sentences",)


def committed():
    """Return the translator of `saved_models/en_zh`, whose card and weights are all it needs."""
    path = Path("saved_models/en_zh/1")
    card = json.loads((path / "assets.extra" / "model.json").read_text(encoding="utf-8"))
    model = keras.saving.deserialize_keras_object(card["model"])
    model.set_weights([weight.numpy() for weight in tf.saved_model.load(str(path)).weights])
    train = s2s.data.synthetic_corpus(1).train
    tokenizers = [s2s.text.tokenizer_for(lines) for lines in (train.source, train.target)]
    for tokenizer, lines in zip(tokenizers, (train.source, train.target), strict=True):
        tokenizer.adapt(lines, max_size=6000)
    return s2s.Translator(model, *tokenizers)


def untrained():
    """Return a translator as large as the tuned one of Multi30k."""
    sys.path.append(str(SIDES))
    from configurations import EOS_BIAS, EOS_ID, configuration
    from package_side import build, tokenizer_of

    c = configuration("tuned")
    model = build(c)
    bias = model.decoder.readout.bias
    bias.assign(tf.one_hot(EOS_ID, c.target_vocabulary, EOS_BIAS))
    sizes = c.source_vocabulary, c.target_vocabulary
    return s2s.Translator(model, *map(tokenizer_of, sizes), max_target_length=LENGTH)


def on_device(path, sources):
    """Return the ids of the translations, and the seconds that each of them took."""
    command = [sys.executable, "-I", str(SIDES / "device_side.py"), str(path), settings.threads]
    process = subprocess.run(
        list(map(str, command)), input=json.dumps(sources), capture_output=True, text=True
    )
    if process.returncode:
        raise s2s.InputError(f"The interpreter failed: {process.stderr[-2000:]}")
    return json.loads(process.stdout.splitlines()[-1]).values()


def compare(name, translator, sentences):
    """Print a line for the SavedModel and one for each LiteRT file."""
    print(f"\n{name}: {translator.model.count_params():,} parameters, {len(sentences)} sentences")
    columns = "{:24} {:>8} {:>8} {:>8} {:>14}"
    print(columns.format("", "MB", "p50 ms", "p99 ms", "same"))

    def line(what, size, seconds, texts):
        # Untrained models decide by differences that are smaller than rounding.
        same = "" if name == "untrained" else f"{np.mean(np.array(texts) == expected):.1%}"
        times = (f"{1000 * np.percentile(seconds, part):.2f}" for part in (50, 99))
        print(columns.format(what, f"{size / 1e6:.2f}", *times, same))

    ids = translator.source_tokenizer.encode(sentences)[:, : translator.max_source_length]
    sources = [[*each, s2s.text.EOS_ID] for each in ids.to_list()]
    with tempfile.TemporaryDirectory() as folder:
        exported = s2s.serving.export(translator, Path(folder) / "saved")
        model, seconds, texts = NativeModel(exported), [], []
        for sentence in [*sentences[:3], *sentences]:  # the first ones take longer
            text = np.array([sentence.encode()], object)
            began = time.perf_counter()
            found = model("serving_default", {"text": text})
            seconds.append(time.perf_counter() - began)
            texts.append(found["translation"][0].decode())
        expected = np.array(texts[3:])
        size = sum(path.stat().st_size for path in exported.rglob("*") if path.is_file())
        line("SavedModel", size, seconds[3:], expected)
        for weights in WEIGHTS:
            path = Path(folder) / f"{weights}.tflite"
            s2s.serving.export_litert(translator, path, weights=weights)
            ids, seconds = on_device(path, sources)
            texts = [text.decode() for text in translator.target_tokenizer.decode(ids).numpy()]
            line(f"LiteRT, {weights}", path.stat().st_size, seconds, texts)


settings = from_command_line(Settings)
for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):  # read when TensorFlow starts
    os.environ[name] = str(settings.threads)
if importlib.util.find_spec("ai_edge_litert") is None:
    raise s2s.InputError("The benchmark needs LiteRT's interpreter: pip install ai-edge-litert")
corpus = s2s.data.synthetic_corpus(train=0, dev=0, test=settings.count)
compare("committed", committed(), list(corpus.test.source))
if settings.translator is None:
    sys.path.append(str(SIDES))
    from workload import lengths, sentences

    translator = untrained()
    size = translator.model.source_vocabulary_size
    compare("untrained", translator, sentences(lengths(settings.count, 3)[0], size, 4))
elif settings.sentences is None:
    raise s2s.InputError("--translator needs --sentences: a file to translate.")
else:
    lines = s2s.data.read_lines(settings.sentences)[: settings.count]
    compare("saved", s2s.Translator.load(settings.translator), lines)
