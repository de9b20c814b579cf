"""Export a translator to a device: a file for LiteRT, the successor of TensorFlow Lite.

LiteRT runs the file on phones and small computers, without TensorFlow and without Python. It has no
operations that tokenize, so the file maps ids to ids.

The lists of LiteRT need elements of a fixed shape. `search.greedy` writes the ids of a step, for
any number of rows, into such a list, so this module has a loop of its own, for one sentence.
"""

from __future__ import annotations

import re
from pathlib import Path

import tensorflow as tf

# TensorFlow does not offer this publicly.
from tensorflow.lite.python.convert_phase import ConverterError

from tf_seq2seq.checks import check_choice, check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import write_atomically
from tf_seq2seq.layers import cudnn
from tf_seq2seq.models import TranslationModel
from tf_seq2seq.search.constraints import NO_CONSTRAINTS
from tf_seq2seq.search.steps import log_sum_exp
from tf_seq2seq.text import EOS_ID, PAD_ID, SOS_ID
from tf_seq2seq.translator import Translator

WEIGHTS = ("float32", "float16", "int8")
"""How the weights can be stored."""


def export_litert(
    translator: Translator,
    path: str | Path,
    *,
    weights: str = "float32",
    source_length: int | None = None,
) -> Path:
    """Write a translator as a file for LiteRT, which translates one sentence by greedy search.

    The file contains only LiteRT's built-in operations. The input of its one signature,
    `serving_default`, is

    - `source`: int32 `(1, source_length)`, the ids of a sentence and `<eos>`, padded with 0,

    and the outputs are those of the translator's own greedy search:

    - `ids`: int32 `(1, max_target_length)`, the translation and `<eos>`, padded with 0,
    - `length`: int32 `(1,)`, the number of ids, including `<eos>`,
    - `score`: float32 `(1,)`, the log probability in nats.

    A source without a word has the length 0 and the score 0. Long sources are not cut off.

    Args:
        translator: the translator; its `max_target_length` limits the translations.
        path: the file to write, usually `NAME.tflite`; its folder is created if it does not exist.
        weights: how to store the matrices: as `"float32"`; as `"float16"`, which makes the file
            half as large; or as `"int8"`, which makes it a quarter as large: products are computed
            in integers, with a scale for each row of a matrix and for each vector that is
            multiplied. Rounding changes some translations. As `"int8"`, matrices of fewer than
            1,024 numbers stay float32.
        source_length: the length of the input. None for any length, to which the caller resizes
            the input for each sentence; that is faster, but some accelerators need a fixed length.

    Returns:
        The path.

    Raises:
        InputError: if an argument is invalid, if the translator has a shortlist, or if the model
            computes something for which LiteRT has no built-in operation.
        OSError: if the disk is full or the file cannot be written.

    Example:

    >>> tokenizer = s2s.text.WordTokenizer()
    >>> tokenizer.adapt(["a b c"])
    >>> size = tokenizer.vocabulary_size
    >>> model = s2s.Seq2Seq(s2s.Encoder(size, 8), s2s.Decoder(size, 8))
    >>> path = export_litert(s2s.Translator(model, tokenizer, tokenizer), tmp_path / "abc.tflite")
    >>> path.name
    'abc.tflite'

    Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference" (8-bit integers with scales).
    """
    if not isinstance(translator, Translator):
        raise InputError(
            f"Only a Translator can be exported for LiteRT, got {type(translator).__name__}."
        )
    if translator.shortlist is not None:
        raise InputError(
            "A file for LiteRT has no shortlist: pass `translator.with_shortlist(None)`."
        )
    weights = check_choice("weights", weights, WEIGHTS)
    if source_length is not None:
        source_length = check_integer("source_length", source_length, minimum=1)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    model = translator.model
    if any(layer.compute_dtype != "float32" for layer in model._flatten_layers()):
        model = translator.in_precision("float32").model
    with cudnn.disabled():
        function = tf.function(
            lambda source: _greedy(model, source, translator.max_target_length), autograph=False
        ).get_concrete_function(tf.TensorSpec([1, source_length], tf.int32, "source"))
    content = _convert(function, model, weights)
    with write_atomically(path) as new:
        new.write_bytes(content)
    return path


def _greedy(model: TranslationModel, source: tf.Tensor, max_length: int) -> dict[str, tf.Tensor]:
    """Translate a sentence: see the table of `export_litert`."""
    state, memory = model.encode(source)
    step = model.stepper()
    empty = tf.reduce_all((source == EOS_ID) | (source == PAD_ID), axis=1)
    place = tf.range(max_length)[None]

    def unfinished(t, previous, *_):
        return (t < max_length) & (previous[0] != EOS_ID)

    def take(t, previous, ids, score, state):
        logits, _, state = step(previous, state, memory)
        allowed = NO_CONSTRAINTS.apply((), t, logits)
        chosen = tf.argmax(allowed, axis=-1, output_type=tf.int32)
        score += tf.gather(logits, chosen, batch_dims=1) - log_sum_exp(logits)
        return t + 1, chosen, tf.where(place == t, chosen[:, None], ids), score, state

    start = (
        tf.constant(0),
        tf.where(empty, EOS_ID, SOS_ID),  # an empty sentence is finished before the first step
        tf.fill([1, max_length], PAD_ID),
        tf.zeros([1]),
        state,
    )
    length, _, ids, score, _ = tf.while_loop(unfinished, take, start)
    return {"ids": ids, "length": length[None], "score": score}


def _convert(function, model, weights):
    """Return a concrete function as the bytes of a LiteRT file."""
    module = tf.Module()
    # The converter finds only variables that are attributes of the module itself.
    module.weights = [weight.value for weight in model.weights]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    try:
        return converter.convert()
    except ConverterError as error:
        operations = sorted(set(re.findall(r"'tf\.(\w+)' op", str(error))))
        if not operations:
            raise
        raise InputError(
            f"LiteRT cannot run {' and '.join(operations)}, which the model uses: build it without."
        ) from error
