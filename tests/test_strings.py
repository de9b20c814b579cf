import pytest

from tf_seq2seq.strings import listed, utf8


def test_one_sentence_or_many():
    assert listed("ab") == ["ab"]
    assert listed(b"ab") == [b"ab"]
    assert listed(letter for letter in "ab") == ["a", "b"]
    assert listed([]) == []


def test_strings_as_bytes():
    assert utf8("é") == "é".encode()
    assert utf8(b"\xff") == b"\xff"
    assert utf8("\udcff") == b"\xff", "a byte of a command line that is not UTF-8"
    assert utf8("\ud800") == b"\xed\xa0\x80", "another surrogate"


@pytest.mark.parametrize("value", [None, 5, ["a"]])
def test_anything_but_a_string_is_refused(value):
    with pytest.raises(TypeError, match=r"Expected .*strings, got .* at position 2"):
        utf8(value, 2)
