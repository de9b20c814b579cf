"""The SavedModel as a server sees it: by the C++ loader, in a process without this package."""

import importlib
import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import ROOT, TRICKY, small_translator

from tf_seq2seq import InputError, SearchOptions, Translator, serving
from tf_seq2seq.serving import warmup

export_module = importlib.import_module("tf_seq2seq.serving.export")


def check_signatures(translator, path):
    expected = translator(TRICKY)
    signature = "align" if translator.aligns else "serving_default"
    result = serving.run_in_fresh_process(path, TRICKY, signature)
    assert result["translation"] == [t.text for t in expected]
    np.testing.assert_allclose(result["score"], [t.score for t in expected], atol=1e-5)
    if not translator.aligns:
        assert set(result) == {"translation", "score"}
        return
    align = result
    for row, translation in enumerate(expected):
        height, width = align["target_length"][row], align["source_length"][row]
        assert height == len(translation.target_tokens)
        assert width == len(translation.source_tokens)
        assert align["target_tokens"][row][:height] == list(translation.target_tokens)
        assert not any(align["source_tokens"][row][width:])
        alignment = np.array(align["alignment"][row])
        np.testing.assert_allclose(alignment[:height, :width], translation.alignment, atol=1e-5)
        assert not alignment[height:].any()
        assert not alignment[:, width:].any()


@pytest.mark.parametrize("system", ["context_alone", "dot_current"])
def test_signatures_have_names_dtypes_and_a_batch_dimension(system, tmp_path):
    path = serving.export(small_translator(system), tmp_path)
    signatures = tf.saved_model.load(str(path)).signatures
    for signature in signatures.values():
        ((args, inputs),) = [signature.structured_input_signature]
        assert args == ()
        assert set(inputs) in ({"text"}, {"text", "target"})
        for key, spec in inputs.items():
            assert spec == tf.TensorSpec([None], tf.string, name=key)
        for name, output in signature.structured_outputs.items():
            assert isinstance(output, tf.TensorSpec), name
            assert output.shape.rank >= 1, name
            assert output.shape[0] is None, name
            assert not name.endswith("_bytes")


BEAM = SearchOptions(beam_width=4, n_best=3, length_penalty=0.6)
SENTENCES = ["a", "b a", "a b c", *TRICKY]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A translator and where it was exported to, with all that can be exported."""
    translator = small_translator()
    card = {"languages": {"source": "en", "target": "zh"}, "labels": ["small"]}
    path = serving.export(
        translator,
        tmp_path_factory.mktemp("repository") / "en_zh",
        sentences=SENTENCES,
        card=card,
        beam=BEAM,
        align=BEAM,
    )
    return translator, path


def test_all_signatures_give_what_the_translator_gives(exported):
    translator, path = exported
    n_best = translator.n_best(TRICKY, beam_width=4, n_best=3, length_penalty=0.6)
    target = ["甲乙"] * len(TRICKY)
    both = {"text": TRICKY, "target": target}
    by_beam, align, score, encode, refused = serving.run_calls(
        path,
        [
            ("beam", {"text": TRICKY}),
            ("align", {"text": TRICKY}),
            ("score", both),
            ("encode", {"text": TRICKY}),
            ("score", {"text": ["a"], "target": ["a", "b"]}),
        ],
    )

    assert by_beam["translation"] == [best.text for best, *_ in n_best]
    rows = zip(by_beam["translations"], by_beam["scores"], n_best, strict=True)
    for texts, scores, expected in rows:
        missing = 3 - len(expected)
        assert texts == [each.text for each in expected] + [""] * missing
        np.testing.assert_allclose(scores[: len(expected)], [t.score for t in expected], atol=1e-5)
        assert scores[len(expected) :] == [tf.float32.min] * missing
    assert align["translation"] == by_beam["translation"]

    scored = translator.score(TRICKY, target)
    np.testing.assert_allclose(score["log_probability"], [t.score for t in scored], atol=1e-5)
    assert score["tokens"] == [len(t.target_tokens) for t in scored]

    context = np.array(encode["context"])
    assert context.shape == (len(TRICKY), translator.model.encoder.output_size)
    empty = [not text.strip() for text in TRICKY]
    np.testing.assert_array_equal(~context.any(axis=1), empty)

    assert str(refused).startswith("InvalidArgumentError")


def test_warmup_requests_of_every_length_for_every_signature(exported):
    requests = warmup.read(exported[1])
    assert {name for name, _ in requests} == {"serving_default", "beam", "align", "score", "encode"}
    texts = [inputs["text"] for name, inputs in requests if name == "beam"]
    assert [len(text) for text in texts] == [1, 1, 1, 1, 1, 1, 6]
    lengths = [len(text[0].decode()) for text in texts[:-1]]
    assert lengths == sorted(lengths)
    assert lengths[0] == 0 and lengths[-1] == max(map(len, SENTENCES))


def test_the_card_tells_what_it_is_given_and_what_it_was_made_with(exported):
    written = json.loads((exported[1] / "assets.extra" / "model.json").read_text(encoding="utf-8"))
    assert written["name"] == "en_zh"
    assert written["languages"] == {"source": "en", "target": "zh"}
    assert written["labels"] == ["small"]
    assert written["packages"]["tensorflow"] == tf.__version__
    assert set(written["packages"]) == {"tf_seq2seq", "tensorflow", "tensorflow-text", "keras"}
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|None", str(written["commit"]))
    assert written["weights"] == exported[0].model.count_params()
    assert "compile_config" not in written["model"]


def test_a_copy_within_another_checkout_has_no_commit(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    module = tmp_path / "site-packages" / "tf_seq2seq" / "serving" / "export.py"
    module.parent.mkdir(parents=True)
    monkeypatch.setattr(export_module, "__file__", str(module))
    assert export_module._commit() is None


def test_a_card_that_json_does_not_take_is_refused_before_the_work(tmp_path):
    with pytest.raises(TypeError, match="float32"):
        serving.export(small_translator(), tmp_path, card={"bleu": np.float32(1)})
    assert list(tmp_path.iterdir()) == []


def test_an_ensemble_is_served(tmp_path):
    translator = Translator.ensemble([small_translator(), small_translator("initial_state")])
    path = serving.export(translator, tmp_path)
    check_signatures(translator, path)
    assert np.shape(serving.run_in_fresh_process(path, ["a"], "encode")["context"]) == (1, 16)


def test_a_warmup_request_that_fails_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(warmup, "choose", lambda sentences: [["a"], [["of rank 2"]]])
    with pytest.raises(RuntimeError, match="fails on its request"):
        serving.export(small_translator(), tmp_path / "m", sentences=["a"])
    assert list((tmp_path / "m").iterdir()) == []


@pytest.fixture
def quick(monkeypatch):
    """Exports write a file in the model's place."""

    def save(exported, signatures, path):
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"model")

    monkeypatch.setattr(export_module, "_save", save)


def test_versions_count_up_and_are_never_overwritten(tmp_path, quick):
    translator = small_translator()
    assert serving.export(translator, tmp_path / "m").name == "1"
    assert serving.export(translator, tmp_path / "m", version=7).name == "7"
    assert serving.export(translator, tmp_path / "m").name == "8"
    assert serving.versions(tmp_path / "m") == [1, 7, 8]
    with pytest.raises(InputError, match="7 exists already"):
        serving.export(translator, tmp_path / "m", version=7)
    for version in (0, True, "3"):
        with pytest.raises(InputError, match=f"positive integer, got {version!r}"):
            serving.export(translator, tmp_path / "m", version=version)
    (tmp_path / "m" / "12").write_text("a file is no version")
    assert serving.versions(tmp_path / "m") == [1, 7, 8]
    (tmp_path / "m" / "9").write_text("nor is this")
    assert serving.export(translator, tmp_path / "m").name == "10"
    (tmp_path / "m" / "9").unlink()
    (tmp_path / "m" / "12").unlink()
    shutil.rmtree(tmp_path / "m" / "10")
    assert serving.export(translator, tmp_path / "m", version=7, replace=True).name == "7"
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["1", "7", "8"]


def test_a_failed_export_leaves_nothing_behind(tmp_path, monkeypatch):
    def full_disk(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        serving.export(small_translator(), tmp_path / "m")
    assert list((tmp_path / "m").iterdir()) == []


def test_two_exports_at_once_take_two_versions(tmp_path, quick, monkeypatch):
    translator = small_translator()
    first = serving.export(translator, tmp_path)
    # The second export looked before the first was there.
    seen = iter([[], [1]])
    monkeypatch.setattr(export_module, "versions", lambda directory: next(seen))
    second = serving.export(translator, tmp_path)
    assert (first.name, second.name) == ("1", "2")


EXPORTER = """
import sys
sys.path[:0] = sys.argv[2:]
from helpers import small_translator
from tf_seq2seq import serving
translator = small_translator()
print("ready", flush=True)
while True:
    serving.export(translator, sys.argv[1], version=1, replace=True)
"""


def test_an_exporter_that_is_killed_leaves_no_part_of_a_version(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", EXPORTER, tmp_path / "m", ROOT / "tests", ROOT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdout.readline()
    while not any((tmp_path / "m").glob(".writing-*/model/variables")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert serving.versions(tmp_path / "m") == []
    path = serving.export(small_translator(), tmp_path / "m")
    assert path.name == "1"
    assert (path / "saved_model.pb").is_file()
    assert list((tmp_path / "m").iterdir()) == [path]  # and what was left is cleared away


def test_a_version_that_was_being_replaced_is_put_back(tmp_path, quick):
    translator = small_translator()
    (tmp_path / ".writing-killed" / "model").mkdir(parents=True)
    (tmp_path / ".writing-killed" / "3").mkdir()
    (tmp_path / ".writing-killed" / "3" / "saved_model.pb").write_bytes(b"replaced")
    assert serving.export(translator, tmp_path).name == "4"
    assert (tmp_path / "3" / "saved_model.pb").read_bytes() == b"replaced"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3", "4"]


def test_what_another_is_writing_is_left_alone(tmp_path, quick):
    with export_module._hidden_folder(tmp_path) as hidden:
        serving.export(small_translator(), tmp_path)
        assert hidden.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_files_that_cannot_grow_leave_no_part_of_a_version(tmp_path):
    translator = small_translator()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # What a full disk does to whoever writes.
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(OSError, match=str(tmp_path)):
            serving.export(translator, tmp_path / "m")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert list((tmp_path / "m").iterdir()) == []


def test_folders_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("no folder")
    for directory in (tmp_path / "file" / "m", "/proc/m"):
        with pytest.raises(OSError, match=str(directory)):
            serving.export(small_translator(), directory)


def test_an_interrupted_replacement_leaves_a_version_in_place(tmp_path, quick, monkeypatch):
    translator = small_translator()
    path = serving.export(translator, tmp_path)
    rename = type(path).rename

    def interrupted(self, target):
        if self.name == "model":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(type(path), "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        serving.export(translator, tmp_path, version=1, replace=True)
    assert (path / "saved_model.pb").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["1"]


def test_a_signature_with_xla_is_refused(tmp_path, monkeypatch):
    translator = small_translator()
    graph = translator.graph
    monkeypatch.setattr(
        translator, "graph", lambda text, *more: tf.function(graph, jit_compile=True)(text)
    )
    with pytest.raises(ValueError, match="jit_compile"):
        serving.export(translator, tmp_path)


def test_recurrent_layers_get_their_kernel_choice_back(tmp_path):
    translator = small_translator()
    serving.export(translator, tmp_path)
    assert translator.model.encoder.recurrent_layers[0].use_cudnn == "auto"


def test_half_precision_model_is_served_as_it_is(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    translator = small_translator()
    path = serving.export(translator, tmp_path)
    default = serving.run_in_fresh_process(path, TRICKY)
    assert set(default) == {"translation", "score"}
    assert default["translation"] == [t.text for t in translator(TRICKY)]


def test_a_broken_saved_model_names_its_folder(tmp_path):
    with pytest.raises(RuntimeError, match=str(tmp_path)):
        serving.run_in_fresh_process(tmp_path, ["a"])
