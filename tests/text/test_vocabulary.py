"""The vocabulary: order, ids, coverage, files."""

import collections
from pathlib import Path

import numpy as np
import pytest

from tf_seq2seq.errors import InputError
from tf_seq2seq.text import EOS_ID, PAD_ID, SOS_ID, UNK_ID, Coverage, Vocabulary, vocabulary
from tf_seq2seq.text.vocabulary import count_tokens

SPECIALS = ("<pad>", "<unk>", "<sos>", "<eos>")
BOOK = Path(__file__).parents[2] / "../shared/data/en-zh-ted"
LINES = [["b", "a", "c"], ["c", "ä", "c"], ["b", "中"]]


def test_special_tokens_come_first_in_fixed_order():
    assert (PAD_ID, UNK_ID, SOS_ID, EOS_ID) == (0, 1, 2, 3)
    vocabulary = Vocabulary(["<eos>", "the", "<unk>", "book"])
    assert vocabulary.tokens == (*SPECIALS, "the", "book")
    assert [vocabulary.index(token) for token in SPECIALS] == [0, 1, 2, 3]
    assert Vocabulary(vocabulary) == vocabulary


def test_lookup():
    vocabulary = Vocabulary(["the", "book"])
    assert len(vocabulary) == 6
    assert vocabulary.index("book") == 5 and vocabulary[5] == "book"
    assert vocabulary.index("film") == UNK_ID
    assert "the" in vocabulary and "film" not in vocabulary
    assert vocabulary.counts is None


def test_build_orders_by_count_then_code_point():
    vocabulary = Vocabulary.build(LINES)
    assert vocabulary.tokens[4:] == ("c", "b", "a", "ä", "中")
    assert dict(vocabulary.counts) == {"c": 3, "b": 2, "a": 1, "ä": 1, "中": 1}
    assert Vocabulary.build(reversed(LINES)) == vocabulary


def test_build_bounds():
    assert Vocabulary.build(LINES, max_size=6).tokens[4:] == ("c", "b")
    assert Vocabulary.build(LINES, min_count=2).tokens[4:] == ("c", "b")
    assert Vocabulary.build([]).tokens == SPECIALS


def test_build_reads_a_stream_once():
    stream = (["x"] * n for n in range(1000))
    assert Vocabulary.build(stream).counts["x"] == 499_500
    assert list(stream) == []


def test_build_does_not_count_special_tokens():
    vocabulary = Vocabulary.build([["<unk>", "a", "<eos>"]])
    assert vocabulary.tokens == (*SPECIALS, "a")


def test_coverage():
    coverage = Vocabulary(["b", "c"]).coverage([*LINES, ["a", "<unk>"]], most_common=2)
    assert coverage == Coverage(tokens=10, covered=5, unknown=(("a", 2), ("<unk>", 1)))
    assert coverage.ratio == 0.5
    assert Vocabulary(["b"]).coverage([]).ratio == 1.0


def test_a_line_given_as_a_string_is_refused():
    with pytest.raises(TypeError, match="'a line'"):
        Vocabulary.build(["a line"])


def test_save_and_load(tmp_path):
    vocabulary = Vocabulary(["the", "\ufeff", "\u3000", "书", "￭."])
    vocabulary.save(tmp_path / "v.txt")
    content = (tmp_path / "v.txt").read_bytes()
    assert content.decode() == "<pad>\n<unk>\n<sos>\n<eos>\nthe\n\ufeff\n\u3000\n书\n￭.\n"
    assert Vocabulary.load(tmp_path / "v.txt") == vocabulary


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ("<unk>\n<sos>\n<eos>\n,\nthe\n", (",", "the")),  # the book's layout for translation
        ("<eos>\nthe\n<unk>\nN\n", ("the", "N")),  # and for the Penn Treebank
        ("the\nbook", ("the", "book")),
        ("the\r\nbook\r\n", ("the", "book")),
        ("\ufeffthe\nbook\n", ("the", "book")),  # a byte order mark
        ("\ufeff\nbook\n", ("\ufeff", "book")),  # the token U+FEFF
    ],
)
def test_load_layouts(tmp_path, content, tokens):
    (tmp_path / "v.txt").write_bytes(content.encode())
    assert Vocabulary.load(tmp_path / "v.txt").tokens == SPECIALS + tokens


@pytest.mark.skipif(not BOOK.is_dir(), reason="needs the book's vocabularies in ../shared/data")
@pytest.mark.parametrize(("language", "size"), [("en", 10_000), ("zh", 4_000)])
def test_load_the_books_files(language, size):
    path = BOOK / f"book-vocab.{language}"
    vocabulary = Vocabulary.load(path)
    assert len(vocabulary) == size + 1  # The book does not have <pad>.
    lines = path.read_text(encoding="utf-8").split("\n")
    assert vocabulary.tokens == ("<pad>", *lines[:-1])
    assert ("\ufeff" in vocabulary) == (language == "zh")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"the\nb\xffook\n", r"v\.txt, line 2: .*not UTF-8"),
        (b"the\nbook\nthe\n", r"v\.txt, line 3: the token 'the' is already on line 1"),
        (b"<unk>\n<unk>\n", r"line 2: the token '<unk>'"),
        (b"the\n\nbook\n", r"v\.txt, line 2: the line is empty"),
        (b"", r"v\.txt, line 1: the line is empty"),
    ],
)
def test_load_refuses_a_damaged_file(tmp_path, content, message):
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        Vocabulary.load(tmp_path / "v.txt")


def test_load_refuses_what_it_cannot_read(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.txt.*No such file"):
        Vocabulary.load(tmp_path / "nowhere.txt")
    with pytest.raises(InputError, match="directory"):
        Vocabulary.load(tmp_path)


@pytest.mark.parametrize("tokens", [["a", "b", "a"], ["a", ""], ["a\nb"], ["\r"]])
def test_tokens_that_no_file_could_hold_are_refused(tokens):
    with pytest.raises(InputError):
        Vocabulary(tokens)


@pytest.mark.parametrize("size", [4, True, 6.0])
def test_max_size_without_room_is_refused(size):
    with pytest.raises(InputError, match="`max_size` must be an integer of at least 5"):
        Vocabulary.build(LINES, max_size=size)


@pytest.mark.parametrize(
    ("lines", "max_size", "left_out"),
    [
        (["a b b b " * 6, "c"], None, "c"),  # 1 of 25 tokens
        (["a b b b " * 4, "a b b", "c"], None, "c"),  # 1 of 20
        (["a b b b " * 4, "a b", "c"], None, ""),  # 1 of 19: a short text
        (["a b b b " * 6, "c c"], None, ""),
        (["a b b b " * 6, "c <unk>"], None, ""),  # `<unk>` is trained without it
        (["a b b b " * 6, "c"], 7, "c"),
        (["a b b b " * 6, "c d d"], 7, "c"),  # a limit leaves it out already
        (["a b b b " * 12, "c d"], 7, "d"),
    ],
)
def test_tokens_that_occur_once_are_left_out_if_none_would_be_unknown(lines, max_size, left_out):
    token_lists = [line.split() for line in lines]
    vocabulary = Vocabulary.build(token_lists, max_size, min_count=None)
    tokens = {token for tokens in token_lists for token in tokens} - {"<unk>"}
    assert tokens - set(vocabulary.tokens) == set(left_out)


def test_sizes_can_be_numpy_integers():
    vocabulary = Vocabulary.build(LINES, max_size=np.int64(5), min_count=np.int32(1))
    assert vocabulary.tokens[4:] == ("c",)
    coverage = vocabulary.coverage(LINES, most_common=np.int64(1))
    assert coverage.unknown == (("b", 2),)
    with pytest.raises(InputError, match="`most_common` must be an integer of at least 0"):
        vocabulary.coverage(LINES, most_common=-1)


def test_save_keeps_the_old_file_if_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "v.txt"
    Vocabulary(["a"]).save(path)
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    with pytest.raises(OSError):
        Vocabulary(["b"]).save(path)
    assert Vocabulary.load(path).tokens[4:] == ("a",)
    assert len(list(tmp_path.iterdir())) == 1


def test_rare_tokens_are_dropped_while_counting():
    draw = np.random.default_rng(1)
    lines = [[f"{1 / share:.0f}" for share in draw.random(20)] for _ in range(500)]
    exact = collections.Counter(token for line in lines for token in line)
    dropped = collections.Counter()
    counts = count_tokens(lines, 50, drop=dropped.update)
    assert all(len(count_tokens(lines[:number], 50)) <= 50 for number in range(0, 500, 7))
    assert len(exact) > 150
    assert counts + dropped == exact
    assert all(counts[token] == exact[token] for token, _ in exact.most_common(10))
    assert count_tokens(lines, len(exact)) == count_tokens(lines) == exact


def test_a_vocabulary_of_a_text_with_many_distinct_tokens(monkeypatch):
    monkeypatch.setattr(vocabulary, "MOST_DISTINCT", 20)
    lines = [["a", "b", "a", str(number)] for number in range(50)]
    built = Vocabulary.build(lines, max_size=8, min_count=None)
    assert built.tokens[4:6] == ("a", "b")
    assert built.counts["a"] == 100
    assert len(built) == 8  # tokens that occur once are kept, since others are left out
    assert len(Vocabulary.build(lines)) == 4 + 52  # without a limit, all are counted
    # Twice the size of the vocabulary is counted, even if that is more.
    assert len(Vocabulary.build(lines, max_size=30)) == 30
