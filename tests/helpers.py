"""What several tests share: the systems of the notes, small, and random batches for them."""

import inspect
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tf_seq2seq as s2s
from tf_seq2seq import BahdanauAttention, Decoder, DotAttention, Encoder, Seq2Seq
from tf_seq2seq.layers.cells import CELLS
from tf_seq2seq.layers.recurrent import recurrent_layer

ROOT = Path(__file__).parents[1]
EN_ZH = ROOT / "saved_models" / "en_zh" / "1"  # the model that is committed
SOURCE_SIZE, TARGET_SIZE = 20, 15

SYSTEMS = {
    "initial_state": lambda: {"feeding": "initial_state"},
    "context_alone": lambda: {"feeding": "context"},
    "context_and_previous": lambda: {"feeding": "context_and_previous"},
    "additive_current": lambda: {"attention": BahdanauAttention(7), "query": "current_state"},
    "additive_previous": lambda: {"attention": BahdanauAttention(7), "query": "previous_state"},
    "dot_current": lambda: {"attention": DotAttention(), "query": "current_state"},
    "dot_previous": lambda: {"attention": DotAttention(), "query": "previous_state"},
}


def spread(n, *axes):
    """All combinations of values, for `parametrize`; `make test` runs n, spread evenly.

    These take the next value of each axis, and the first one after the last. Every value is among
    them if n is the length of the longest axis, and every pair of two axes if n is the product of
    their lengths and these have no common factor.
    """
    fast = {tuple(i % len(axis) for axis in axes) for i in range(n)}
    found = []
    for chosen in itertools.product(*(list(enumerate(axis)) for axis in axes)):
        places, values = zip(*chosen, strict=True)
        found.append(pytest.param(*values, marks=[] if places in fast else [pytest.mark.slow]))
    return found


def slow_except(values, *fast):
    """All values, for `parametrize`; `make test` runs only those in `fast`."""
    return [pytest.param(v, marks=[] if v in fast else [pytest.mark.slow]) for v in values]


# All systems and cells, with a number of layers and whether they are bidirectional. `make test` has
# each system, and each cell with each of the layers.
GRID = spread(12, SYSTEMS, CELLS, [(1, False), (2, True), (1, True), (2, False)])


def small_model(
    system,
    cell="gru",
    num_layers=1,
    bidirectional=False,
    bridge="dense",
    go_backwards=False,
    **decoder,
):
    """A small model over 20 source and 15 target ids, with a memory as wide as its queries.

    The options of the system can be overridden by those of `decoder`.
    """
    common = {"cell": cell, "num_layers": num_layers}
    encoder_units = 4 if bidirectional else 8
    return Seq2Seq(
        Encoder(
            SOURCE_SIZE,
            encoder_units,
            embedding_size=6,
            bidirectional=bidirectional,
            go_backwards=go_backwards,
            **common,
        ),
        Decoder(TARGET_SIZE, 8, embedding_size=5, **common, **{**SYSTEMS[system](), **decoder}),
        bridge,
    )


def random_layer(cell, features, units, go_backwards=False, dtype="float32"):
    """A built recurrent layer with random weights: zero biases would hide one that is forgotten."""
    layer = recurrent_layer(cell, units, "layer", dtype, go_backwards)
    layer.build((None, None, features))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.weights])
    return layer


def random_batch(lengths=((6, 5), (4, 3), (1, 5)), seed=0):
    """Inputs and labels with rows of the given (source, target) lengths, padded with 0."""
    rng = np.random.default_rng(seed)
    source_width, target_width = np.max(lengths, axis=0)
    source = rng.integers(4, SOURCE_SIZE, (len(lengths), source_width))
    target = rng.integers(4, TARGET_SIZE, (len(lengths), target_width))
    labels = rng.integers(3, TARGET_SIZE, (len(lengths), target_width))
    for row, (source_length, target_length) in enumerate(lengths):
        source[row, source_length:] = 0
        target[row, target_length:] = 0
        labels[row, target_length:] = 0
    return {"source": source, "target": target}, labels


def defaults(function):
    """The default arguments of a function or a class: a change breaks the code of users."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty}


def assert_smallest(make, **smallest):
    """Check that `make` takes these integers as keywords, and none that is smaller."""
    for name, value in smallest.items():
        make(**{name: value})
        with pytest.raises(ValueError, match=rf"`{name}` must be .*, got {value - 1}\."):
            make(**{name: value - 1})


def pad_columns(array, columns):
    """More padding on the right of `(batch, length)`."""
    return np.pad(array, [(0, 0), (0, columns)])


def run_python(script, *arguments):
    """Run a script in a fresh process from the project's root; returns what it printed."""
    return _run("-c", script, *arguments)


def run_module(name, *arguments):
    """Run a module as a command, as `run_python` does."""
    return _run("-m", name, *arguments)


def _run(*arguments):
    process = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


TRICKY = [
    "a b c",
    "",
    "   \t ",
    "zz zz",
    "a\x00b",
    "\ud7ff \u0301 🙂 שלום",
    "<eos> <pad> <sos>",
    "c",
]


def small_translator(system="additive_current", tokenizer=s2s.text.WordTokenizer, **options):
    source, target = tokenizer(), s2s.text.ChineseTokenizer()
    source.adapt(["a b c d e f g h", "b c, d."])
    target.adapt(["甲乙丙丁戊己庚辛 。"])
    model = s2s.Seq2Seq(
        s2s.Encoder(source.vocabulary_size, 4, cell="lstm", bidirectional=True),
        s2s.Decoder(target.vocabulary_size, 8, cell="lstm", **SYSTEMS[system]()),
    )
    return s2s.Translator(model, source, target, **{"max_target_length": 12, **options})
