"""The check of an export finds each kind of problem, created here on purpose."""

import re
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text as tf_text

from tf_seq2seq import InputError, serving
from tf_seq2seq.serving import check, warmup

TEXT = tf.TensorSpec([None], tf.string, "text")


def save(path, module=None, **signatures):
    """Save functions as signatures, each with the specs of its inputs, and a module."""
    module = module or tf.Module()
    functions = {}
    for name, (function, *specs) in signatures.items():
        functions[name] = tf.function(function, input_signature=specs).get_concrete_function()
    tf.saved_model.save(module, str(path), signatures=functions)
    return path


def lengths(text):
    return {"length": tf.strings.length(tf.ensure_shape(text, [None]))}


@pytest.mark.usefixtures("no_fresh_process")
def test_an_export_has_no_problem(exported):
    translator, path = exported
    found = serving.check_export(path, translator)
    assert found.problems == []
    assert found.warmup_requests == 11 * 4
    assert len(found.signatures) == 11
    assert "beam: text string[-] -> scores float32[-, 5], translation string[-]" in str(found)
    assert "EnsureShape x " in str(found)
    assert str(found).endswith(f"{path}: no problems")


@pytest.mark.parametrize(
    ("expected", "got", "problem"),
    [
        (np.zeros([2, 1]), np.zeros([2, 2]), r"its shape is \(2, 2\), not \(2, 1\)"),
        (np.array([b"a", b"b"], object), np.array(["a", "c"]), r"'c'\."),
        (np.array([True, False]), np.array([True, True]), r"\[True, True\]"),
        (np.array([0.0, 1.0]), np.array([0.0, 1.5]), r"by up to 0\.5\."),
        (np.array([1.0]), np.array([1.0 + 1e-6]), None),
    ],
)
def test_differences(expected, got, problem):
    problems = list(check._difference("beam", "scores", expected, got))
    assert len(problems) == (problem is not None)
    assert all(re.search(problem, each) for each in problems)


@pytest.mark.usefixtures("no_fresh_process")
def test_signatures_and_outputs_that_are_missing_or_differ(exported, tmp_path):
    path = save(
        tmp_path / "1",
        serving_default=(lambda text: {"translation": tf.ensure_shape(text, [None])}, TEXT),
        encode=(
            lambda text: {"context": tf.zeros([tf.size(tf.ensure_shape(text, [None])), 8])},
            TEXT,
        ),
        another=(lengths, TEXT),
    )
    problems = serving.check_export(path, exported[0]).problems
    for expected in (
        "The signature 'beam' is missing; the exported object has it.",
        "The signature 'another' is unexpected; the exported object does not have it.",
        "The output 'score' of the signature 'serving_default' is missing",
        "The output 'translation' of the signature 'serving_default' differs from that of",
        "The output 'context' of the signature 'encode' differs from that of the exported object",
    ):
        assert any(problem.startswith(expected) for problem in problems), expected


def test_a_signature_that_does_not_end(tmp_path, monkeypatch):
    path = save(tmp_path / "1", good=(lengths, TEXT))
    monkeypatch.setattr(
        check,
        "run_calls",
        lambda directory, calls, seconds: [serving.CallError(f"did not end within {seconds} s")],
    )
    (problem,) = serving.check_export(path).problems
    assert problem == "The signature 'good' fails on sentences: did not end within 600 s"


def test_problems_of_signatures(tmp_path):
    def printing(text):
        tf.print("printed", output_stream=sys.stdout)
        return lengths(text)

    # Only the Python loader finds the variables of a Keras model.
    module = tf.Module()
    module.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    def modeled(text):
        length = tf.cast(lengths(text)["length"], tf.float32)
        return {"y": module.model(length[:, None])[:, 0]}

    # Its kernel kills the process if it is given a scalar. The calls of the last signature are the
    # last, so all others have been answered.
    tokenizer = tf_text.WhitespaceTokenizer()

    path = save(
        tmp_path / "1",
        module,
        number=(lambda x: {"y": x}, tf.TensorSpec([None], tf.float32, "x")),
        fixed=(lambda text: {"y": text}, tf.TensorSpec([3], tf.string, "text")),
        scalar=(lambda text: {"size": tf.size(tf.ensure_shape(text, [None]))}, TEXT),
        unnamed=(lambda text: [tf.ensure_shape(text, [None])], TEXT),
        encoded=(lambda text: {"text_bytes": tf.ensure_shape(text, [None])}, TEXT),
        unchecked=(lambda text: {"length": tf.strings.length(text)}, TEXT),
        fails=(lambda text: {"n": tf.strings.to_number(tf.ensure_shape(text, [None]))}, TEXT),
        ragged=(lambda text: {"words": tf.strings.split(tf.ensure_shape(text, [None]))}, TEXT),
        flat=(
            lambda text: {"words": tf.strings.split(tf.ensure_shape(text, [None])).flat_values},
            TEXT,
        ),
        second=(
            lambda text, target: {**lengths(text), "other": tf.strings.length(target)},
            TEXT,
            tf.TensorSpec([None], tf.string, "target"),
        ),
        good=(lengths, TEXT),
        printing=(printing, TEXT),
        modeled=(modeled, TEXT),
        words=(lambda text: {"words": tokenizer.tokenize(text).row_lengths()}, TEXT),
    )
    assert max(tf.saved_model.load(str(path)).signatures) == "words"
    problems = serving.check_export(path).problems
    for expected in (
        "The input 'x' of the signature 'number' is DT_FLOAT, not a string",
        "The input 'text' of the signature 'fixed' accepts only a batch of 3",
        "The output 'size' of the signature 'scalar' has no batch dimension",
        "The output 'output_0' of the signature 'unnamed' has only a default name",
        "The output 'text_bytes' of the signature 'encoded' would be sent as base64",
        "The signature 'unchecked' does not reject a scalar as 'text' but returns an answer",
        "The signature 'unchecked' does not reject an input of rank 2 as 'text'",
        "The signature 'second' does not reject an input of rank 2 as 'target'",
        "The output 'words' of the signature 'ragged' is ragged or not a tensor (DT_INVALID)",
        "The output 'words' of the signature 'flat' has 11 rows for sentences with 4",
        "The signature 'fails' fails on sentences: InvalidArgumentError",
        "The signature 'modeled' does not find its variables in the C++ loader",
        "The signature 'words' does not reject a scalar as 'text' but returns signature "
        "'words' killed its process",
    ):
        assert any(problem.startswith(expected) for problem in problems), expected
    assert "with tf.ensure_shape" in problems[-1]
    assert not any("'good'" in problem or "'printing'" in problem for problem in problems)


@pytest.mark.usefixtures("no_fresh_process")
def test_warmup_requests_that_a_server_would_refuse(tmp_path, monkeypatch):
    path = save(tmp_path / "1", good=(lengths, TEXT))
    monkeypatch.setattr(
        warmup,
        "read",
        lambda directory: [
            ("good", {"text": [b"a"]}),
            ("bad", {"text": [b"a"]}),
            ("good", {"texts": [b"a"]}),
            ("good", {"text": [[b"a"], [b"b"]]}),
        ],
    )
    monkeypatch.setattr(warmup, "MAXIMUM", 3)
    problems = serving.check_export(path).problems
    assert len(problems) == 4
    assert problems[0] == "There are 4 warm-up requests; a server accepts 3."
    assert problems[1].startswith("Warm-up request 2 is for the signature 'bad'")
    assert problems[2].startswith("Warm-up request 3 is for the signature 'good' with the inputs")
    assert problems[3].startswith("The signature 'good' fails on warm-up request 4")


def test_a_damaged_file_of_warmup_requests(exported, tmp_path, monkeypatch):
    file = tmp_path / warmup.FILE
    file.parent.mkdir()
    file.write_bytes((exported[1] / warmup.FILE).read_bytes()[:-5])
    with pytest.raises(InputError, match="does not contain warm-up requests"):
        warmup.read(tmp_path)
    requests, (problem,) = check._warmup(tmp_path, {})
    assert requests == []
    assert "does not contain warm-up requests" in problem


@pytest.mark.usefixtures("no_fresh_process")
def test_a_graph_that_the_loader_cannot_load(tmp_path):
    path = save(tmp_path / "1", good=(lengths, TEXT))
    for file in (path / "variables").iterdir():
        file.unlink()
    (problem,) = serving.check_export(path).problems
    assert problem.startswith("The C++ loader cannot load it: ")


def test_no_saved_model(tmp_path):
    with pytest.raises(InputError, match="pass a version's folder"):
        serving.check_export(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="There is no SavedModel to serve"):
        serving.check_export(tmp_path)
    with pytest.raises(InputError, match=r"`server` must be '2\.20', .* got '1\.15'"):
        serving.check_export(tmp_path, server="1.15")
