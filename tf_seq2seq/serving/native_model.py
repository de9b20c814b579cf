"""A SavedModel as TensorFlow Serving loads it: in C++, without the code that made it.

This file is also a program that imports TensorFlow but nothing from this package:

    python -I native_model.py DIRECTORY < calls

Each line of its input is a call in JSON, `{"signature": ..., "inputs": {name: value}}`. For each
call it prints one line, `{"outputs": {name: value}}` or `{"error": ..., "message": ...}`. Strings
are UTF-8; surrogates represent invalid bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the operations of the tokenizers)
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel


class NativeModel:
    """Run the signatures of a SavedModel in a session of TensorFlow's C++ runtime.

    `tf.saved_model.load` restores Python objects and therefore finds more than a server would.
    Like the server, and unlike TensorFlow's Python API, this class does not check the rank of
    inputs.

    Args:
        directory: a version's folder.

    Raises:
        OSError: if the folder does not contain a SavedModel.
        ValueError: if the SavedModel is damaged.
        tf.errors.OpError: if it cannot be loaded.
    """

    def __init__(self, directory: str | Path):
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        logger = tf.get_logger()
        level = logger.level
        logger.setLevel("ERROR")  # TensorFlow warns that this loader is deprecated
        try:
            with self._session.graph.as_default(), _without_input_shapes(Path(directory)) as copy:
                model = tf.compat.v1.saved_model.load(self._session, ["serve"], os.fspath(copy))
        finally:
            logger.setLevel(level)
        self.signatures = dict(model.signature_def)

    def __call__(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run a signature once.

        Args:
            signature: the signature's name.
            inputs: arrays of the right dtype and of any shape, by input name.

        Raises:
            tf.errors.OpError: if the graph fails.
        """
        definition = self.signatures[signature]
        feeds = {definition.inputs[name].name: value for name, value in inputs.items()}
        fetches = {name: info.name for name, info in definition.outputs.items()}
        outputs = self._session.run(fetches, feeds)
        return {  # a scalar string is returned as bytes
            name: np.array(value, object) if isinstance(value, bytes) else value
            for name, value in outputs.items()
        }


@contextlib.contextmanager
def _without_input_shapes(directory: Path) -> Iterator[Path]:
    """Copy a SavedModel without the shapes of its inputs; the variables are linked."""
    try:
        model = SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    except DecodeError as error:
        raise ValueError(f"{directory / 'saved_model.pb'} is damaged: {error}") from error
    for meta_graph in model.meta_graphs:
        for node in meta_graph.graph_def.node:
            if node.op == "Placeholder":
                node.attr["shape"].shape.CopyFrom(tf.TensorShape(None).as_proto())
                for name in set(node.attr) - {"dtype", "shape"}:
                    del node.attr[name]
    with tempfile.TemporaryDirectory() as copy:
        for path in directory.iterdir():
            if path.is_dir():
                (Path(copy) / path.name).symlink_to(path.absolute())
        (Path(copy) / "saved_model.pb").write_bytes(model.SerializeToString())
        yield Path(copy)


def _to_array(value) -> np.ndarray:
    """Convert an input from JSON, a string or nested lists of strings."""
    encode = np.frompyfunc(lambda text: text.encode("utf-8", "surrogateescape"), 1, 1)
    return np.asarray(encode(np.array(value, object)), object)


def _from_array(value):
    """Convert an output for JSON."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return [_from_array(part) for part in value] if isinstance(value, list) else value


def answer(model: NativeModel, line: str) -> str:
    """Make a call in JSON, and return the answer in JSON; see the top of this file."""
    call = json.loads(line)
    inputs = {name: _to_array(value) for name, value in call["inputs"].items()}
    try:
        outputs = model(call["signature"], inputs)
    except Exception as error:  # any error is an answer
        lines = [line.strip() for line in str(error).splitlines()]
        reason = next(line for line in lines if line and line != "Graph execution error:")
        return json.dumps({"error": type(error).__name__, "message": reason})
    return json.dumps({"outputs": {n: _from_array(value.tolist()) for n, value in outputs.items()}})


def _main(directory: str) -> None:
    # The answers must not mix with what a graph prints.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    model = NativeModel(directory)
    assert "tf_seq2seq" not in sys.modules
    for line in sys.stdin:
        print(answer(model, line), file=answers, flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
