"""The command `tf-seq2seq-client`, which loads neither TensorFlow nor a graphical display."""

import dataclasses
import gzip
import io
import os
import subprocess
import sys

import pytest
from helpers import ROOT

from tf_seq2seq import InputError
from tf_seq2seq.cli.client import Settings, main
from tf_seq2seq.serving.client.client import PORTS

PROGRAM = """
import sys
from tf_seq2seq.cli.client import main
try:
    code = main()
finally:
    assert not {"tensorflow", "keras", "grpc"} & set(sys.modules)
sys.exit(code)
"""


@pytest.fixture(autouse=True)
def _keep_excepthook(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


def run_without_tensorflow(*arguments, program=PROGRAM, **options):
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        **options,
    )


@pytest.fixture
def where(served):
    return ["--host", served[1].host, "--port", str(served[1].rest_port)]


@pytest.mark.filterwarnings("ignore:No font with Chinese characters")
@pytest.mark.parametrize("served", [False], indirect=True, ids=["plain"])
def test_a_file_and_a_plot(served, where, tmp_path):
    sentences = tmp_path / "sentences"
    sentences.write_bytes(gzip.compress("a b c\r\n\nzz é\n".encode()))
    expected = [t.text for t in served[0](["a b c", "", "zz é"])]
    output, plot = tmp_path / "new" / "out", tmp_path / "a.png"
    assert (
        main([*where, *map(str, ("--file", sentences, "--output", output, "--align", plot))]) == 0
    )
    assert output.read_text(encoding="utf-8").split("\n") == [*expected, ""]
    assert plot.stat().st_size > 5000
    with pytest.raises(InputError, match="the first sentence is empty"):
        main([*where, "--sentence", "", "--align", str(plot)])


@pytest.mark.parametrize("served", [False], indirect=True, ids=["plain"])
def test_status_and_metadata(where, capsys):
    assert main([*where, "--status", "--metadata"]) == 0
    printed = capsys.readouterr().out
    assert "version 1: AVAILABLE\n" in printed
    assert "score: target string[-], text string[-] -> log_probability float" in printed


@pytest.mark.parametrize("served", [False], indirect=True, ids=["plain"])
def test_standard_input_over_grpc(served, capsys, monkeypatch):
    translator, server = served
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a b\nc")))
    port = ["--host", server.host, "--port", str(server.grpc_port)]
    assert main([*port, "--protocol", "grpc"]) == 0
    texts = [t.text for t in translator(["a b", "c"])]
    assert capsys.readouterr().out == "".join(f"{text}\n" for text in texts)


def test_options_without_effect(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--status", "--sentence", "a"])
    assert end.value.code == 2
    assert "--sentence has no effect with --status or --metadata" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--file", __file__, "--prefix", "a"])
    assert "--prefix has no effect without --sentence" in capsys.readouterr().err


@pytest.mark.parametrize("served", [False], indirect=True, ids=["plain"])
def test_rest_needs_no_tensorflow(served, where, tmp_path):
    plot = tmp_path / "a.png"
    process = run_without_tensorflow(
        *where, "--beam", "--align", plot, input=b"a b\nc\n", check=True
    )
    assert plot.exists()
    expected = [
        f"{number}\t{t.score:.2f}\t{t.text}"
        for number, found in enumerate(served[0].n_best(["a b", "c"], beam_width=5, n_best=5), 1)
        for t in found
    ]
    lines = [line.split("\t") for line in process.stdout.decode().splitlines()]
    assert [f"{n}\t{float(score):.2f}\t{text}" for n, score, text in lines] == expected


@pytest.mark.parametrize("served", [False], indirect=True, ids=["plain"])
def test_the_beginning_of_the_translation(served, where, capsys):
    sentence = [*where, "--sentence", "a b c", "--prefix", "丙 乙"]
    assert main(sentence) == main([*sentence, "--beam"]) == 0
    best, *beam = capsys.readouterr().out.splitlines()
    assert best == served[0].complete("a b c", "丙 乙")[0].text
    found = served[0].complete_n_best("a b c", "丙 乙", beam_width=5, n_best=5)[0]
    assert [line.split("\t")[2] for line in beam] == [t.text for t in found]


def test_an_encoding_that_lacks_most_characters_is_refused_before_the_first_request():
    process = run_without_tensorflow(
        *("--sentence", "a", "--port", "9"), env=os.environ | {"PYTHONIOENCODING": "gbk"}
    )
    assert process.returncode == 1
    assert process.stderr.startswith(b"error: Standard output is encoded in gbk, which lacks most")


def test_the_command_line_is_read_before_anything_slow_is_imported():
    program = PROGRAM.replace('"tensorflow",', '"tensorflow", "numpy", "urllib3",')
    assert b"--status" in run_without_tensorflow("--help", program=program, check=True).stdout
    process = run_without_tensorflow("--protocol", "soap", program=program)
    assert process.returncode == 2
    assert process.stderr.startswith(b"error: argument --protocol: invalid choice: 'soap'")


def test_the_protocols_of_the_command_are_those_of_the_client():
    (protocol,) = (field for field in dataclasses.fields(Settings) if field.name == "protocol")
    assert protocol.metadata["choices"] == tuple(PORTS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sentence", "a"], "The request to model 'en_zh' at localhost:9 failed: no connection"),
        (["--file", "missing"], "--file missing cannot be read (No such file or directory)"),
        (["--file", "tests"], "--file tests cannot be read (Is a directory)"),
        (["--file", "a", "--sentence", ""], "Pass --sentence or --file, not both."),
        (["--sentence", "a", "--align", "a.foo"], "--align writes .png, .pdf or .svg, got a.foo."),
        (["--sentence", "a", "--timeout", "inf"], "--timeout must be a number greater than 0"),
    ],
)
def test_an_error_is_one_sentence(arguments, sentence):
    process = run_without_tensorflow("--port", 9, "--timeout", 0.3, *arguments, text=True)
    assert process.returncode == 1
    assert process.stderr.startswith(f"error: {sentence}")
    assert process.stderr.count("\n") == 1
