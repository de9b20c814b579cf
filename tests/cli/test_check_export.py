import dataclasses
import sys

import pytest

from tf_seq2seq.cli import check_export
from tf_seq2seq.serving import check
from tf_seq2seq.serving.operations import SERVERS


@pytest.mark.parametrize("problems", [[], ["The signature 'a' fails."]])
def test_the_exit_code_says_whether_there_are_problems(problems, monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    asked = {}

    def check_and_note(directory, server):
        asked.update(directory=directory, server=server)
        return check.Check(directory, [], {}, 0, problems)

    monkeypatch.setattr(check, "check_export", check_and_note)
    assert check_export.main(["some/1", "--server", "2.19"]) == len(problems)
    assert (str(asked["directory"]), asked["server"]) == ("some/1", "2.19")
    count = "no problems" if not problems else "1 problem"
    assert capsys.readouterr().out.endswith(f"some/1: {count}\n")


def test_there_must_be_a_directory(capsys):
    with pytest.raises(SystemExit) as end:
        check_export.main([])
    assert end.value.code == 2
    assert "directory" in capsys.readouterr().err


def test_the_servers_of_the_command_are_those_of_the_check():
    choices = {f.name: f.metadata["choices"] for f in dataclasses.fields(check_export.Settings)}
    assert choices["server"] == tuple(SERVERS)
