"""The model card of an export: facts about the model and the software that wrote it."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from tf_seq2seq.text_model import TextModel
from tf_seq2seq.translator import Translator

FILE = Path("assets.extra") / "model.json"
"""Path of the model card within a version's folder."""

_PACKAGES = ("tf_seq2seq", "tensorflow", "tensorflow-text", "keras")


def model_card(exported: Translator | TextModel, name: str, facts: Mapping[str, Any]) -> str:
    """Write a model card as JSON.

    Args:
        exported: the translator or language model.
        name: the model's name.
        facts: information for users of the model: languages, data, metric, labels.

    Returns:
        A JSON object: `name`, `labels`, the facts, `created` (UTC), `commit` of this package or
        null, `packages` with their versions, the number of `parameters`, the sizes of the
        `shortlist` if a translator has one, and `model`, the configuration from which Keras can
        rebuild it.

    Raises:
        TypeError: if the facts contain something that JSON cannot represent.
    """
    model = keras.saving.serialize_keras_object(exported.model)
    model.pop("compile_config", None)  # only needed for training
    card = {
        "name": name,
        "labels": [],
        **facts,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "packages": {package: _version(package) for package in _PACKAGES},
        "parameters": exported.model.count_params(),
        **_shortlist_of(exported),
        "model": model,
    }
    return json.dumps(card, ensure_ascii=False, indent=2) + "\n"


def _shortlist_of(exported: Translator | TextModel) -> dict[str, Any]:
    shortlist = getattr(exported, "shortlist", None)
    if shortlist is None:
        return {}
    sizes = {"per_word": shortlist.per_word, "most_frequent": len(shortlist.frequent)}
    return {"shortlist": sizes}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # run from a checkout without installation
        return None


def _commit() -> str | None:
    """Return the commit of this package's checkout (`-dirty` if changed); None without one."""
    root = Path(__file__).parents[2]

    def git(*arguments):
        command = ["git", "-C", os.fspath(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != root.resolve():
            return None
        return git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return None
