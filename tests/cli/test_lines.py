import io
import sys

from tf_seq2seq.cli.lines import typed_lines


def test_typed_lines_end_with_the_input(monkeypatch, capsys):
    typed = io.TextIOWrapper(io.BytesIO("你好\n\n".encode() + b"\xff!"), encoding="ascii")
    monkeypatch.setattr(sys, "stdin", typed)
    assert list(typed_lines("> ")) == ["你好", "", "\ufffd!"]
    assert capsys.readouterr().out == "> > > > \n"


def test_an_interrupt_ends_typed_lines(monkeypatch):
    def interrupt(prompt):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupt)
    assert list(typed_lines("> ")) == []
