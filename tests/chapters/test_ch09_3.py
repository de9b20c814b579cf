import re
from pathlib import Path

import pytest
import tensorflow as tf

import tf_seq2seq as s2s
from common.settings import ANOTHER_CORPUS


@pytest.fixture
def encode(run_chapter, tmp_path, capsys, monkeypatch):
    """Run the chapter; returns what it printed, and the files of ids by name."""
    monkeypatch.chdir(tmp_path)  # where there is no output/ch09_2

    def encode(*arguments, vocabulary_dir=None, output_dir="ids"):
        places = ("--output-dir", tmp_path / output_dir)
        if vocabulary_dir is not None:
            places += ("--vocabulary-dir", tmp_path / vocabulary_dir)
        run_chapter("ch09_3_encode_corpus", *arguments, *places)
        files = {path.name: path.read_text() for path in (tmp_path / output_dir).glob("*/*.ids")}
        return capsys.readouterr().out, files

    return encode


def numbers_of_ids(printed):
    """{(title, part): (here, in the book)}, as the table has them."""
    rows = re.findall(
        r"^(\S.*?) +(train|dev|test) +[\d,]+ +([\d,]+) +([\d,-]+) ", printed, re.MULTILINE
    )
    return {(title, part): (here, book) for title, part, here, book in rows}


def test_quick_preset(encode, tmp_path):
    printed, files = encode("--preset", "quick")
    assert "Every line without <unk> was decoded to the original text" in printed
    assert ANOTHER_CORPUS in printed
    ids = files["ted_zh.train.ids"].splitlines()[0]
    assert f"pairs in {Path('ids', 'quick', 'ted_pairs')}" in printed.replace(f"{tmp_path}/", "")
    assert f"   target: {ids}\n" in printed
    numbers = numbers_of_ids(printed)
    assert numbers["English words", "train"][1] == "929,589"
    assert len(files) == len(numbers) == 9

    lines = s2s.data.synthetic_text().test
    ids = [list(map(int, line.split())) for line in files["ptb.test.ids"].splitlines()]
    assert [len(line) for line in ids] == [len(line.split()) + 1 for line in lines]
    assert all(line.count(s2s.text.EOS_ID) == 1 and line[-1] == s2s.text.EOS_ID for line in ids)
    assert f"{sum(map(len, ids)):,}" == numbers["English words", "test"][0]


def test_vocabularies_of_9_2(encode, run_chapter, small_data, tmp_path):
    arguments = ("--preset", "book", "--data-dir", small_data)
    printed, files = encode(*arguments)
    assert printed.count("(new)") == 3

    run_chapter("ch09_2_build_vocabulary", *arguments, "--output-dir", tmp_path / "9-2")
    printed, again = encode(*arguments, vocabulary_dir="9-2", output_dir="again")
    assert "(new)" not in printed
    assert files == again

    vocabulary = tmp_path / "9-2" / "book" / "ptb" / "vocabulary.txt"
    vocabulary.write_text(vocabulary.read_text().replace("of\n", ""))
    _, other = encode(*arguments, vocabulary_dir="9-2", output_dir="other")
    assert other["ptb.dev.ids"] == files["ptb.dev.ids"]
    assert other["ptb.test.ids"] == "1 4 1 3\n"


def test_files_of_ids(encode, small_data):
    printed, files = encode("--preset", "book", "--data-dir", small_data)
    # <pad> <unk> <sos> <eos> the N is n't of
    assert files["ptb.train.ids"] == "4 1 8 4 5 3\n4 1 6 7 3\n"
    assert files["ptb.dev.ids"] == "4 5 3\n"
    assert files["ptb.test.ids"] == "8 4 1 3\n"
    assert numbers_of_ids(printed)["Penn Treebank", "train"] == ("11", "929,589")
    assert numbers_of_ids(printed)["TED, Chinese", "train"] == ("10", "-")
    assert "我看见<unk>。" in printed


def test_over_long_lines_are_counted(encode, small_data):
    path = small_data / "ptb" / "ptb.train.txt"
    path.write_text("the " * 49 + "\n" + "the " * 50 + "\n")
    printed, _ = encode("--preset", "book", "--data-dir", small_data)
    assert re.search(r"Penn Treebank +train +2 +101 +929,589 +0\.00% +1$", printed, re.MULTILINE)


def test_a_line_that_is_decoded_to_a_different_text_is_an_error(encode, small_data, monkeypatch):
    def detokenize(self, tokens):
        return tf.strings.reduce_join(tokens, axis=-1, separator="-")

    monkeypatch.setattr(s2s.text.ChineseTokenizer, "detokenize", detokenize)
    with pytest.raises(SystemExit, match="2 lines without <unk> were decoded to a different text"):
        encode("--preset", "book", "--data-dir", small_data)


def test_counts_are_the_book_s_on_the_real_corpora(encode, shared_data):
    printed, _ = encode("--preset", "book", "--data-dir", shared_data)
    numbers = numbers_of_ids(printed)
    for part, count in (("train", "929,589"), ("dev", "73,760"), ("test", "82,430")):
        assert numbers["Penn Treebank", part] == (count, count)
    assert len(numbers) == 9
    assert "Every line without <unk> was decoded to the original text" in printed


def test_no_vocabularies(encode):
    with pytest.raises(s2s.InputError, match=r"no vocabulary in .*nowhere.*--output-dir .*nowhere"):
        encode("--preset", "quick", vocabulary_dir="nowhere")


@pytest.mark.parametrize("chapter", ["ch09_2_build_vocabulary", "ch09_3_encode_corpus"])
def test_a_folder_of_the_corpora_without_effect(refused, chapter):
    refused(chapter, "--data-dir", "x", message="--data-dir has no effect with --preset quick")
