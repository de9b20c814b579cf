"""The SavedModel as a server sees it: by the C++ loader, in a process without this package."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import SYSTEMS, run_python
from test_translator import TRICKY, small_translator

from tf_seq2seq import InputError, serving, text


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
        assert align["target_tokens"][row][:height] == translation.target_tokens
        assert not any(align["source_tokens"][row][width:])
        alignment = np.array(align["alignment"][row])
        np.testing.assert_allclose(alignment[:height, :width], translation.alignment, atol=1e-5)
        assert not alignment[height:].any()
        assert not alignment[:, width:].any()


@pytest.mark.parametrize("system", ["initial_state", "context_and_previous", "additive_current"])
def test_same_translations_in_a_fresh_process(system, tmp_path):
    translator = small_translator(system)
    check_signatures(translator, serving.export(translator, tmp_path))


def test_subwords_in_a_fresh_process(tmp_path):
    translator = small_translator("dot_previous", text.SubwordTokenizer)
    check_signatures(translator, serving.export(translator, tmp_path))


@pytest.mark.parametrize("system", SYSTEMS)
def test_signatures_have_names_dtypes_and_a_batch_dimension(system, tmp_path):
    path = serving.export(small_translator(system), tmp_path)
    signatures = tf.saved_model.load(str(path)).signatures
    for signature in signatures.values():
        ((args, inputs),) = [signature.structured_input_signature]
        assert args == ()
        assert inputs == {"text": tf.TensorSpec([None], tf.string, name="text")}
        for name, output in signature.structured_outputs.items():
            assert isinstance(output, tf.TensorSpec), name
            assert output.shape.rank >= 1, name
            assert output.shape[0] is None, name
            assert not name.endswith("_bytes")


def test_a_text_of_the_wrong_rank_is_refused_without_a_crash(tmp_path):
    path = serving.export(small_translator(), tmp_path)
    printed = run_python(
        "import sys, tensorflow as tf, tensorflow_text\n"
        "with tf.compat.v1.Session(graph=tf.Graph()) as session:\n"
        "    model = tf.compat.v1.saved_model.load(session, ['serve'], sys.argv[1])\n"
        "    for signature in model.signature_def.values():\n"
        "        if 'text' not in signature.inputs: continue\n"
        "        outputs = [info.name for info in signature.outputs.values()]\n"
        "        for value in ('scalar', [['rank'], ['two']]):\n"
        "            try: session.run(outputs, {signature.inputs['text'].name: value})\n"
        "            except (tf.errors.InvalidArgumentError, ValueError): print('refused')\n"
        "        print(session.run(outputs, {signature.inputs['text'].name: ['a']})[0])\n",
        path,
    )
    assert printed.count("refused") == 4


def test_versions_count_up_and_are_never_overwritten(tmp_path):
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
    (tmp_path / "m" / "12").unlink()
    assert serving.export(translator, tmp_path / "m", version=7, replace=True).name == "7"
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["1", "7", "8"]


def test_a_failed_export_leaves_nothing_behind(tmp_path, monkeypatch):
    def full_disk(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        serving.export(small_translator(), tmp_path / "m")
    assert list((tmp_path / "m").iterdir()) == []


def test_an_interrupted_replacement_leaves_a_version_in_place(tmp_path, monkeypatch):
    translator = small_translator("initial_state")
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
        translator, "graph", lambda text: tf.function(graph, jit_compile=True)(text)
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
