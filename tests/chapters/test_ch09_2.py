import re

import pytest

import tf_seq2seq as s2s
from common.settings import ANOTHER_CORPUS


def sizes(printed):
    """(different, kept, in the book) for each text, as the table has them."""
    rows = re.findall(r"^\S.*? +([\d,]+) +([\d,]+) +([\d,]+) +[\d.]+%$", printed, re.MULTILINE)
    return [tuple(int(cell.replace(",", "")) for cell in row) for row in rows]


def test_quick_preset(run_chapter, tmp_path, capsys):
    run_chapter("ch09_2_build_vocabulary", "--preset", "quick", "--output-dir", tmp_path)

    printed = capsys.readouterr().out
    assert ANOTHER_CORPUS in printed
    table = sizes(printed)
    assert [row[2] for row in table] == [10_000, 10_000, 4_000]
    assert [row[1] for row in table] == [568, 610, 447]  # as the chapter says at its end
    for name, specials, (different, kept, _) in zip(
        ("ptb", "ted_en", "ted_zh"), (2, 3, 3), table, strict=True
    ):
        vocabulary = s2s.text.Tokenizer.load(tmp_path / "quick" / name).vocabulary
        assert different == kept == len(vocabulary) - 4 + specials > 400
    assert (tmp_path / "quick" / "frequencies.png").stat().st_size > 5000


def test_ids_and_the_book_s(run_chapter, small_data, tmp_path, capsys):
    arguments = ("--preset", "book", "--data-dir", small_data, "--output-dir", tmp_path)
    run_chapter("ch09_2_build_vocabulary", *arguments)

    printed = capsys.readouterr().out
    # <unk> is a word of the Treebank, in the book's list by its frequency.
    treebank = re.findall(r"^ +(\d) +([\d-]) (\S+)", printed, re.MULTILINE)
    assert treebank[:9] == [
        ("0", "-", "<pad>"),
        ("1", "2", "<unk>"),
        ("2", "-", "<sos>"),
        ("3", "0", "<eos>"),
        ("4", "1", "the"),
        *((str(id), str(id - 2), token) for id, token in enumerate(["N", "is", "n't", "of"], 5)),
    ]
    assert sizes(printed)[0] == (7, 7, 10_000)
    assert "TED, English: not compared with the book's list." in printed
    assert "book-vocab.en" in printed


def test_overlap_with_the_book_s_lists(run_chapter, small_data, tmp_path, capsys):
    specials = "<unk>\n<sos>\n<eos>\n"
    folder = small_data / "en-zh-ted"
    (folder / "book-vocab.en").write_text(specials + "I\n.\n,\nDr.\n'\n")
    (folder / "book-vocab.zh").write_text(specials + "我\n。\nT\nE\nD\n")
    arguments = ("--preset", "book", "--data-dir", small_data, "--output-dir", tmp_path)
    run_chapter("ch09_2_build_vocabulary", *arguments)

    printed = capsys.readouterr().out
    assert "TED, English: 3 of the book's 5 tokens are in our list." in printed
    assert "only in the book's: Dr. '" in printed
    # I see , Dr . No . I don 't . : 11 tokens, of which I I , . . . are in the book's list.
    assert "train part: 100.00% by our list, 54.55% by the book's" in printed
    assert "test part: 75.00% by our list, 50.00% by the book's" in printed
    assert "TED, Chinese: 2 of the book's 5 tokens are in our list." in printed
    assert "only in ours:       TED 不 看 见" in printed


def test_counts_are_the_book_s_on_the_real_corpora(run_chapter, shared_data, tmp_path, capsys):
    arguments = ("--preset", "book", "--data-dir", shared_data, "--output-dir", tmp_path)
    run_chapter("ch09_2_build_vocabulary", *arguments)

    printed = capsys.readouterr().out
    table = sizes(printed)
    assert [kept for _, kept, _ in table] == [10_000, 10_000, 4_000]
    assert table[0] == (10_000, 10_000, 10_000)
    overlap = re.findall(r"([\d,]+) of the book's ([\d,]+) tokens", printed)
    assert [of for _, of in overlap] == ["9,997", "3,997"]
    english, chinese = (int(shared.replace(",", "")) for shared, _ in overlap)
    assert english > 8_000
    assert chinese > 3_000


def test_missing_files(run_chapter, tmp_path):
    arguments = ("--preset", "book", "--data-dir", tmp_path / "gone", "--output-dir", tmp_path)
    with pytest.raises(s2s.InputError, match="gone"):
        run_chapter("ch09_2_build_vocabulary", *arguments)
