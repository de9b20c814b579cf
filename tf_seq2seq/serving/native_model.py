"""A SavedModel as TensorFlow Serving sees it: by the C++ loader, without the code that made it.

This file is a program too, which knows TensorFlow and nothing of this package:

    python -I native_model.py DIRECTORY < calls

Each line that it reads is a call in JSON, `{"signature": ..., "inputs": {name: value}}`; for each
it prints a line, `{"outputs": {name: value}}` or `{"error": ..., "message": ...}`. Strings are
UTF-8, and bytes that are not stand as surrogates.
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
    """The signatures of a SavedModel, run by a session of TensorFlow's C++ runtime.

    `tf.saved_model.load` rebuilds Python objects and finds more than a server would. Like the
    server, and unlike Python's ways of running a graph, this checks no input's rank.

    Args:
        directory: a version's folder.

    Raises:
        OSError: if there is no SavedModel in it.
        ValueError: if it is damaged.
        tf.errors.OpError: if it cannot be loaded.
    """

    def __init__(self, directory: str | Path):
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        logger = tf.get_logger()
        level = logger.level
        logger.setLevel("ERROR")  # that this loader is an old one is known
        try:
            with self._session.graph.as_default(), _without_input_shapes(Path(directory)) as copy:
                model = tf.compat.v1.saved_model.load(self._session, ["serve"], os.fspath(copy))
        finally:
            logger.setLevel(level)
        self.signatures = dict(model.signature_def)

    def __call__(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run a signature once.

        Args:
            signature: its name.
            inputs: its inputs by name, each an array of the right dtype and of any shape.

        Raises:
            tf.errors.OpError: whatever the graph raises.
        """
        signature = self.signatures[signature]
        feeds = {signature.inputs[name].name: value for name, value in inputs.items()}
        fetches = {name: info.name for name, info in signature.outputs.items()}
        outputs = self._session.run(fetches, feeds)
        return {  # a scalar string comes as bytes
            name: np.array(value, object) if isinstance(value, bytes) else value
            for name, value in outputs.items()
        }


@contextlib.contextmanager
def _without_input_shapes(directory: Path) -> Iterator[Path]:
    """A copy of a SavedModel whose inputs have no shapes, with the original's variables."""
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
    """An input from JSON: a string, or lists of strings."""
    encode = np.frompyfunc(lambda text: text.encode("utf-8", "surrogateescape"), 1, 1)
    return np.asarray(encode(np.array(value, object)), object)


def _from_array(value):
    """An output for JSON."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return [_from_array(part) for part in value] if isinstance(value, list) else value


def _main(directory: str) -> None:
    # What a graph prints does not get among the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    model = NativeModel(directory)
    assert "tf_seq2seq" not in sys.modules
    for line in sys.stdin:
        call = json.loads(line)
        inputs = {name: _to_array(value) for name, value in call["inputs"].items()}
        try:
            outputs = model(call["signature"], inputs)
        except Exception as error:  # whatever it is, it is the answer
            lines = [line.strip() for line in str(error).splitlines()]
            reason = next(line for line in lines if line and line != "Graph execution error:")
            result = {"error": type(error).__name__, "message": reason}
        else:
            result = {"outputs": {n: _from_array(value.tolist()) for n, value in outputs.items()}}
        print(json.dumps(result), file=answers, flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
