"""Export a translator or a language model as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import DISK_FAULTS
from tf_seq2seq.layers import cudnn
from tf_seq2seq.layers.kept import keeping
from tf_seq2seq.search import SearchOptions
from tf_seq2seq.serving import card as cards
from tf_seq2seq.serving import warmup
from tf_seq2seq.serving.operations import accelerator_problems
from tf_seq2seq.serving.signatures import Signatures, signatures_of
from tf_seq2seq.serving.versions import check_free, hidden_folder, publish
from tf_seq2seq.strings import Texts, listed
from tf_seq2seq.text_model import TextModel
from tf_seq2seq.translator import Translator


def export(
    exported: Translator | TextModel,
    directory: str | Path,
    version: int | None = None,
    *,
    sentences: Texts = (),
    card: Mapping[str, Any] | None = None,
    beam: SearchOptions | None = None,
) -> Path:
    """Write a translator or a language model as the SavedModel `directory/version`.

    The SavedModel needs TensorFlow and TensorFlow Text to run, but not this package. The module
    `signatures` lists its signatures.

    A server polls the directory, and gives up on a version that it finds incomplete. The model is
    therefore written to a hidden folder in the directory, and the folder is then renamed. A version
    is never overwritten, because a server that has loaded it would not notice.

    Args:
        exported: a `Translator` or a `TextModel`.
        directory: the model's folder in a model repository, such as `saved_models/en_zh`.
        version: a positive integer; the next free one if None.
        sentences: typical sentences, or one. The server runs some of them through every signature
            before the version goes live (see `warmup.choose`). Without sentences, it goes live at
            once and its first requests are slow. Needs `tensorflow-serving-api`.
        card: information for users of the model: languages, data, metric with its signature,
            labels. The model card, `assets.extra/model.json`, also contains the model's
            configuration, package versions and the commit.
        beam: the search options of a translator's signatures `beam` and `beam_details`; None for
            a beam of five hypotheses.

    Returns:
        The path of the version's folder.

    Raises:
        InputError: if an argument is out of range, the version already exists, or
            `tensorflow-serving-api` is needed but not installed.
        OSError: if the disk is full or the folder cannot be written to. In that case no version
            appears.
        TypeError: if the card contains something that JSON cannot represent.
        ValueError: if a stock server could not run one of the signatures.
    """
    directory = Path(directory)
    sentences = listed(sentences)
    if version is not None:
        version = check_integer("version", version, minimum=1)
        check_free(directory, version)
    signatures = signatures_of(exported, beam)
    if sentences:
        warmup.prediction_log_pb2()  # fails early if the package is missing
    directory.mkdir(parents=True, exist_ok=True)
    card_text = cards.model_card(exported, directory.name, card or {})
    with _disk_errors(directory), hidden_folder(directory) as hidden:
        model = hidden / "model"
        _save(exported, signatures, model)
        if sentences:
            warmup.write(model, warmup.choose(sentences), directory.name)
        (model / cards.FILE).parent.mkdir(exist_ok=True)
        (model / cards.FILE).write_text(card_text, encoding="utf-8")
        return publish(model, directory, version)


@contextlib.contextmanager
def _disk_errors(directory: Path) -> Iterator[None]:
    """Turn a disk error reported by TensorFlow back into an OSError."""
    try:
        yield
    except tf.errors.OpError as error:
        # Only the message contains what the operating system reported to TensorFlow.
        code = next((code for code in DISK_FAULTS if os.strerror(code) in str(error)), None)
        if code is None:
            raise
        raise OSError(code, os.strerror(code), str(directory)) from error


def _save(exported: Translator | TextModel, signatures: Signatures, path: Path) -> None:
    # The weights of an export never change, so they are stored as the products need them.
    kept = getattr(exported, "kept", None)
    kept = {} if kept is None else kept
    with cudnn.disabled(), keeping(kept):
        concrete = {name: each.get_concrete_function() for name, each in signatures.items()}
    for name, function in concrete.items():
        if problems := accelerator_problems(function.graph.as_graph_def()):
            raise ValueError(f"The signature {name!r} cannot be served. {' '.join(problems)}")

    module = tf.Module()
    # The C++ loader finds only variables that are attributes of the module itself. Only the
    # Python loader would find those of a Keras model.
    variables = [*(weight.value for weight in exported.model.weights), *kept.values()]
    if (shortlist := getattr(exported, "shortlist", None)) is not None:
        variables += shortlist.variables
    used = {id(tensor) for function in concrete.values() for tensor in function.captured_inputs}
    module.weights = [variable for variable in variables if id(variable.handle) in used]
    module.tokenizers = exported.tokenizers
    tf.saved_model.save(module, os.fspath(path), signatures=concrete)
