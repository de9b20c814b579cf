import time

import pytest

from tf_seq2seq import InputError, serving
from tf_seq2seq.serving import native_model

ECHO = """
import json, os, signal, sys, time
assert "-I" in sys.orig_argv
if "broken" in sys.argv[1]:
    sys.exit("the end of what it prints")
for line in sys.stdin:
    call = json.loads(line)
    if call["signature"] == "sleep":
        time.sleep(60)
    if call["signature"] == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if call["signature"] == "refuse":
        print(json.dumps({"error": "InvalidArgumentError", "message": "not this"}), flush=True)
    else:
        print(json.dumps({"outputs": call["inputs"]}), flush=True)
"""


@pytest.fixture
def _echo(tmp_path, monkeypatch):
    """Run a program that answers with its inputs, instead of a SavedModel."""
    program = tmp_path / "echo.py"
    program.write_text(ECHO)
    monkeypatch.setattr(native_model, "__file__", str(program))


@pytest.mark.usefixtures("_echo")
def test_inputs_and_outputs(tmp_path):
    inputs = {"text": ["a", b"\xff", "你"], "target": [["b"], []]}
    echoed, refused = serving.run_calls(tmp_path, [("s", inputs), ("refuse", {})])
    assert echoed == {"text": ["a", "\udcff", "你"], "target": [["b"], []]}
    assert str(refused) == "InvalidArgumentError: not this"
    assert serving.run_in_fresh_process(tmp_path, ["a"], target=["b"]) == {
        "text": ["a"],
        "target": ["b"],
    }
    assert serving.run_in_fresh_process(tmp_path, "ab", target="cd") == {
        "text": ["ab"],
        "target": ["cd"],
    }
    with pytest.raises(serving.CallError, match="not this"):
        serving.run_in_fresh_process(tmp_path, ["a"], "refuse")


@pytest.mark.usefixtures("_echo")
def test_a_call_that_kills_the_process_is_the_last(tmp_path):
    calls = [("s", {"text": "a"}), ("die", {}), ("s", {})]
    _, killed = serving.run_calls(tmp_path, calls)
    assert str(killed) == "signature 'die' killed its process (signal 11)"


@pytest.mark.usefixtures("_echo")
def test_a_call_that_does_not_end(tmp_path):
    began = time.monotonic()
    _, late = serving.run_calls(tmp_path, [("s", {"text": "a"}), ("sleep", {})], seconds=1.5)
    assert str(late) == "signature 'sleep' did not end within 1.5 seconds"
    assert time.monotonic() - began < 30
    with pytest.raises(InputError, match="`seconds` must be a number greater than 0, got 0"):
        serving.run_calls(tmp_path, [], seconds=0)


@pytest.mark.usefixtures("_echo")
def test_a_process_that_fails_names_its_folder(tmp_path):
    with pytest.raises(RuntimeError, match=r"broken does not run .*\n.*the end of what it prints"):
        serving.run_calls(tmp_path / "broken", [("s", {})])
