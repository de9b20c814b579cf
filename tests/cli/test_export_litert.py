"""The command that exports a saved translator for LiteRT."""

import inspect

import numpy as np
import pytest
from helpers import small_translator

from tf_seq2seq import InputError, serving
from tf_seq2seq.cli import export_litert
from tf_seq2seq.search import Shortlist
from tf_seq2seq.serving import litert
from tf_seq2seq.translator import Translator


def test_arguments_reach_the_function(tmp_path, monkeypatch, capsys):
    small_translator().save(tmp_path / "translator")
    file = tmp_path / "de_en.tflite"
    calls = []

    def record(translator, path, **options):
        calls.append(options)
        assert isinstance(translator, Translator) and path == file
        path.write_bytes(bytes(1_230_000))
        return path

    monkeypatch.setattr(serving, "export_litert", record)
    where = [str(file), "--translator", str(tmp_path / "translator")]
    assert export_litert.main(where) == 0
    assert export_litert.main([*where, "--weights", "int8", "--source-length", "7"]) == 0
    assert calls == [
        {"weights": "float32", "source_length": None},
        {"weights": "int8", "source_length": 7},
    ]
    assert capsys.readouterr().out == 2 * f"LiteRT: {file}, 1.23 MB\n"


def test_a_shortlist_is_left_out(tmp_path, monkeypatch, capsys):
    translator = small_translator()
    sizes = [tokenizer.vocabulary_size for tokenizer in translator.tokenizers]
    shortlist = Shortlist(np.zeros([sizes[0], 1], int), (), sizes[1])
    translator.with_shortlist(shortlist).save(tmp_path / "translator")

    def record(translator, path, **options):
        assert translator.shortlist is None
        path.write_bytes(b"")
        return path

    monkeypatch.setattr(serving, "export_litert", record)
    file = str(tmp_path / "de_en.tflite")
    assert export_litert.main([file, "--translator", str(tmp_path / "translator")]) == 0
    assert capsys.readouterr().out.startswith("The shortlist is left out: the file translates")


def test_weights_are_those_that_the_function_takes():
    fields = export_litert.Settings.__dataclass_fields__
    assert fields["weights"].metadata["choices"] == litert.WEIGHTS
    default = inspect.signature(serving.export_litert).parameters["weights"].default
    assert fields["weights"].default == default


def test_errors_of_the_input(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.excepthook", None)
    file = str(tmp_path / "de_en.tflite")
    with pytest.raises(InputError, match="No translator in nowhere"):
        export_litert.main([file, "--translator", "nowhere"])
    with pytest.raises(SystemExit):
        export_litert.main([file])
    assert not (tmp_path / "de_en.tflite").exists()
