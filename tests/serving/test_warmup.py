import pytest

from tf_seq2seq import InputError
from tf_seq2seq.serving import warmup


def test_requests_of_every_length_for_every_signature(exported):
    requests = warmup.read(exported[1])
    assert {name for name, _ in requests} == {
        *("serving_default", "details", "beam", "beam_details"),
        *("complete", "complete_details", "complete_beam", "complete_beam_details"),
        *("score", "score_details", "encode"),
    }
    texts = [inputs["text"] for name, inputs in requests if name == "beam"]
    assert [len(text) for text in texts] == [1, 1, 1, 3]
    assert all(set(i) == {"text", "target"} for name, i in requests if name.startswith("score"))


def test_sentences_are_chosen_by_their_length():
    sentences = ["aaaa", "a", "aa", "", "aaa", "a"]
    chosen = warmup.choose(sentences, lengths=3)
    assert chosen == [[""], ["aa"], ["aaaa"], ["", "aa", "aaaa"]]
    assert warmup.choose(["b"]) == warmup.choose("b") == [["b"], ["b"]]
    assert warmup.choose("ab") == [["ab"], ["ab"]]
    assert [len(text) for (text,) in warmup.choose(sentences)[:-1]] == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match="`lengths` must be an integer of at least 1, got 0"):
        warmup.choose(sentences, lengths=0)


def test_more_requests_than_a_server_accepts(exported, monkeypatch):
    monkeypatch.setattr(warmup, "MAXIMUM", 6)
    with pytest.raises(InputError, match="A server accepts at most 6 warm-up requests, got 11"):
        warmup.write(exported[1], [["a"]], "en_zh")


def test_a_version_without_requests(tmp_path):
    assert warmup.read(tmp_path) == []
