"""The SavedModel as a server loads it: with the C++ loader, in a process without this package."""

import json
import resource
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import TRICKY, small_translator

from tf_seq2seq import InputError, Translator, serving
from tf_seq2seq.layers import cudnn
from tf_seq2seq.search import Shortlist
from tf_seq2seq.serving import card, exporter, signatures, warmup
from tf_seq2seq.serving.native_model import NativeModel, _from_array


def run_here(path, sentences, signature):
    """Run a signature like `run_in_fresh_process`, but in this process, which takes less time."""
    inputs = {"text": np.array([text.encode() for text in sentences], object)}
    outputs = NativeModel(path)(signature, inputs)
    return {name: _from_array(value.tolist()) for name, value in outputs.items()}


# `test_all_signatures_give_what_the_translator_gives` starts a process in any case.
run_anywhere = pytest.mark.parametrize(
    "run",
    [run_here, pytest.param(serving.run_in_fresh_process, marks=pytest.mark.slow)],
    ids=["here", "in a fresh process"],
)


def check_details(translator, path, run):
    """Check that the signature `details` returns what the translator returns."""
    result = run(path, TRICKY, "details")
    for row, translation in enumerate(translator(TRICKY)):
        height, width = result["target_length"][row], result["source_length"][row]
        assert result["translation"][row] == translation.text
        assert result["score"][row] == pytest.approx(translation.score, abs=1e-5)
        assert height == len(translation.target_tokens)
        assert width == len(translation.source_tokens)
        assert tuple(result["target_tokens"][row][:height]) == translation.target_tokens
        assert not any(result["source_tokens"][row][width:])
        if translator.aligns:
            alignment = np.array(result["alignment"][row])
            np.testing.assert_allclose(alignment[:height, :width], translation.alignment, atol=1e-5)
            assert not alignment[height:].any()
            assert not alignment[:, width:].any()


def test_all_signatures_give_what_the_translator_gives(exported):
    translator, path = exported
    n_best = translator.n_best(TRICKY, beam_width=5, n_best=5)
    target = ["甲乙"] * len(TRICKY)
    default, details, beam, score, encode, refused = serving.run_calls(
        path,
        [
            ("serving_default", {"text": TRICKY}),
            ("details", {"text": TRICKY}),
            ("beam", {"text": TRICKY}),
            ("score", {"text": TRICKY, "target": target}),
            ("encode", {"text": TRICKY}),
            ("score", {"text": ["a"], "target": ["a", "b"]}),
        ],
    )
    assert set(default) == {"translation", "score"}
    assert {name: details[name] for name in default} == default

    assert beam["translation"] == [best.text for best, *_ in n_best]
    rows = zip(beam["translations"], beam["scores"], n_best, strict=True)
    for texts, scores, expected in rows:
        missing = 5 - len(expected)
        assert texts == [each.text for each in expected] + [""] * missing
        np.testing.assert_allclose(scores[: len(expected)], [t.score for t in expected], atol=1e-5)
        assert scores[len(expected) :] == [tf.float32.min] * missing

    scored = translator.score(TRICKY, target)
    np.testing.assert_allclose(score["log_probability"], [t.score for t in scored], atol=1e-5)
    assert score["tokens"] == [t.target_length for t in scored]

    context = np.array(encode["context"])
    assert context.shape == (len(TRICKY), translator.model.encoder.output_size)
    empty = [not text.strip() for text in TRICKY]
    np.testing.assert_array_equal(~context.any(axis=1), empty)

    assert str(refused).startswith("InvalidArgumentError")


@pytest.fixture
def quick(monkeypatch):
    """Replace the signatures of exports by one that is traced at once, and return its traces."""
    traced = []

    def signatures_of(exported, beam=None):
        def lengths(text):
            traced.append((beam, cudnn.usable()))
            return {"length": tf.strings.length(tf.ensure_shape(text, [None]))}

        text = tf.TensorSpec([None], tf.string, "text")
        return {"serving_default": tf.function(lengths, input_signature=[text])}

    monkeypatch.setattr(exporter, "signatures_of", signatures_of)
    return traced


def test_a_single_typical_sentence_is_not_read_letter_by_letter(tmp_path, quick, monkeypatch):
    written = []
    monkeypatch.setattr(warmup, "write", lambda model, batches, name: written.extend(batches))
    serving.export(small_translator(), tmp_path, sentences="a b")
    assert written == [["a b"], ["a b"]]


def test_an_export_takes_the_next_version_or_the_one_it_is_given(tmp_path, quick):
    translator = small_translator()
    assert serving.export(translator, tmp_path / "m").name == "1"
    assert serving.export(translator, tmp_path / "m", np.int64(7)).name == "7"
    assert serving.export(translator, tmp_path / "m").name == "8"
    with pytest.raises(InputError, match="7 already exists"):
        serving.export(translator, tmp_path / "m", version=7)
    for version in (0, True, "3", 1.0):
        with pytest.raises(InputError, match="`version` must be an integer of at least 1"):
            serving.export(translator, tmp_path / "m", version=version)
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["1", "7", "8"]
    about = json.loads((tmp_path / "m" / "8" / card.FILE).read_text(encoding="utf-8"))
    assert about["name"] == "m"


def test_graphs_are_traced_without_cudnn_and_with_the_options_of_the_search(
    tmp_path, quick, monkeypatch
):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    assert cudnn.usable()
    serving.export(small_translator(), tmp_path, beam="options")
    assert quick == [("options", False)]
    assert cudnn.usable()


def test_a_model_card_that_json_cannot_represent_is_refused_before_the_work(tmp_path, quick):
    with pytest.raises(TypeError, match="float32"):
        serving.export(small_translator(), tmp_path, card={"bleu": np.float32(1)})
    assert list(tmp_path.iterdir()) == []
    assert quick == []


@pytest.fixture
def _details_only(monkeypatch):
    """Limit exports to one signature of those that the translator has."""

    def signatures_of(exported, beam=None):
        return {"details": signatures.signatures_of(exported, beam)["details"]}

    monkeypatch.setattr(exporter, "signatures_of", signatures_of)


@run_anywhere
@pytest.mark.usefixtures("_details_only")
def test_an_ensemble_is_served(tmp_path, run):
    translator = Translator.ensemble([small_translator(), small_translator("initial_state")])
    path = serving.export(translator, tmp_path)
    check_details(translator, path, run)


@run_anywhere
@pytest.mark.usefixtures("_details_only")
def test_half_precision_model_is_served_as_it_is(tmp_path, run):
    keras.config.set_dtype_policy("mixed_bfloat16")
    translator = small_translator("initial_state")
    check_details(translator, serving.export(translator, tmp_path), run)


@pytest.mark.usefixtures("no_fresh_process")
def test_a_warmup_request_that_fails_is_not_written(tmp_path, quick, monkeypatch):
    monkeypatch.setattr(warmup, "choose", lambda sentences: [["a"], [["of rank 2"]]])
    with pytest.raises(RuntimeError, match="fails on a warm-up request"):
        serving.export(small_translator(), tmp_path / "m", sentences=["a"])
    assert list((tmp_path / "m").iterdir()) == []


def test_a_failed_export_leaves_nothing_behind(tmp_path, quick, monkeypatch):
    for error, expected in (
        (tf.errors.ResourceExhaustedError(None, None, "No space left on device"), OSError),
        (tf.errors.InternalError(None, None, "something else"), tf.errors.InternalError),
    ):

        def fail(*args, error=error, **kwargs):
            raise error

        monkeypatch.setattr(tf.saved_model, "save", fail)
        with pytest.raises(expected, match=r"No space left|something else"):
            serving.export(small_translator(), tmp_path / "m")
        assert list((tmp_path / "m").iterdir()) == []


def test_files_that_cannot_grow_leave_no_part_of_a_version(tmp_path, quick):
    translator = small_translator()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The effect of a full disk on a process that writes.
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, limits[1]))
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(OSError, match=str(tmp_path)):
            serving.export(translator, tmp_path / "m")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert list((tmp_path / "m").iterdir()) == []


def test_folders_that_cannot_be_written(tmp_path, quick):
    (tmp_path / "file").write_text("not a folder")
    for directory in (tmp_path / "file" / "m", "/proc/m"):
        with pytest.raises(OSError, match=str(directory)):
            serving.export(small_translator(), directory)


def test_a_signature_with_xla_is_refused(tmp_path, monkeypatch):
    compiled = tf.function(lambda text: {"y": tf.strings.length(text)}, jit_compile=True)
    signature = tf.function(
        lambda text: compiled(text), input_signature=[tf.TensorSpec([None], tf.string, "text")]
    )
    monkeypatch.setattr(exporter, "signatures_of", lambda exported, beam: {"xla": signature})
    with pytest.raises(ValueError, match=r"'xla' cannot be served\. .*jit_compile"):
        serving.export(small_translator(), tmp_path)


def test_an_export_in_bfloat16_stores_the_cast_weights(tmp_path):
    translator = small_translator("additive_current").in_precision("bfloat16")
    greedy = signatures.signatures_of(translator)["serving_default"]
    exporter._save(translator, {"serving_default": greedy}, tmp_path / "half")
    found = run_here(tmp_path / "half", TRICKY, "serving_default")
    expected = translator(TRICKY)
    assert found["translation"] == [each.text for each in expected]
    np.testing.assert_allclose(found["score"], [each.score for each in expected], atol=1e-3)
    stored = tf.saved_model.load(tmp_path / "half").weights
    recurrent = translator.model.decoder.recurrent_layers[0].cell.recurrent_kernel
    assert [w.dtype for w in stored if w.shape == recurrent.shape] == [tf.bfloat16]


@run_anywhere
@pytest.mark.usefixtures("_details_only")
def test_a_shortlist_is_served(tmp_path, run):
    translator = small_translator("additive_current")
    sizes = [tokenizer.vocabulary_size for tokenizer in translator.tokenizers]
    best = np.random.default_rng(3).integers(4, sizes[1], [sizes[0], 2])
    few = translator.with_shortlist(Shortlist(best, [4], sizes[1]))
    assert [each.score for each in few(TRICKY)] != [each.score for each in translator(TRICKY)]
    path = serving.export(few, tmp_path)
    check_details(few, path, run)
    facts = json.loads((path / card.FILE).read_text(encoding="utf-8"))
    assert facts["shortlist"] == {"per_word": 2, "most_frequent": 1}
    assert "shortlist" not in json.loads(card.model_card(translator, "m", {}))
    stored = tf.saved_model.load(path).weights
    assert {each.dtype for each in stored if not each.dtype.is_floating} == {tf.int32, tf.bool}
