"""Run a SavedModel as a stranger would: in a fresh process, without this package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# The session loads by the same C++ loader as TF Serving; `tf.saved_model.load` would restore more
# than a server can see.
_SCRIPT = """
import json, sys
import numpy as np
import tensorflow as tf
import tensorflow_text  # registers the operations of the tokenizers

def encode(strings):
    return np.array([string.encode("utf-8", "surrogatepass") for string in strings], object)

directory, signature, inputs = sys.argv[1], sys.argv[2], json.load(sys.stdin)
with tf.compat.v1.Session(graph=tf.Graph()) as session:
    model = tf.compat.v1.saved_model.load(session, ["serve"], directory)
    signature = model.signature_def[signature]
    feeds = {signature.inputs[name].name: encode(value) for name, value in inputs.items()}
    fetches = {name: info.name for name, info in signature.outputs.items()}
    outputs = session.run(fetches, feeds)
assert "tf_seq2seq" not in sys.modules
text = lambda x: x.decode() if isinstance(x, bytes) else [text(y) for y in x] \\
    if isinstance(x, list) else x
print(json.dumps({name: text(value.tolist()) for name, value in outputs.items()}))
"""


def run_in_fresh_process(
    directory: str | Path, sentences: Sequence[str], signature: str = "serving_default"
) -> dict[str, list]:
    """Load a SavedModel in a fresh process by the C++ loader and run a signature once.

    The process imports TensorFlow and TensorFlow Text, and makes sure that this package stays out.

    Args:
        directory: a version's folder.
        sentences: the batch, the signature's `text`.
        signature: the signature's name.

    Returns:
        The outputs by name, as nested lists.

    Raises:
        RuntimeError: if the process fails; the message holds the end of what it printed.
    """
    process = subprocess.run(
        [sys.executable, "-I", "-c", _SCRIPT, os.fspath(directory), signature],
        input=json.dumps({"text": list(sentences)}),
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    if process.returncode:
        raise RuntimeError(
            f"The SavedModel in {directory} does not run in a fresh process:\n"
            + process.stderr[-2000:]
        )
    return json.loads(process.stdout)
