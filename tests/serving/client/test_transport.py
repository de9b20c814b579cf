from tf_seq2seq.serving.client.transport import Address, described


def test_addresses():
    assert str(Address("m", "host", 1)) == "model 'm' at host:1"
    assert str(Address("m", "host", 1, version=2)) == "model 'm' version 2 at host:1"
    assert str(Address("m", "host", 1, label="a")) == "model 'm' label 'a' at host:1"
    assert Address("m", "::1", 8501).authority == "[::1]:8501"


def test_descriptions():
    assert described("DT_STRING", [-1]) == "string[-]"
    assert described("DT_INT32", [-1, 5]) == "int32[-, 5]"
    assert described("DT_FLOAT", []) == "float[]"
