import gzip
from pathlib import Path

import numpy as np
import pytest
from helpers import defaults

from tf_seq2seq.data.corpus import Pairs
from tf_seq2seq.data.readers import read_corpus, read_lines, read_parallel, read_tab_separated
from tf_seq2seq.data.splitting import split
from tf_seq2seq.errors import InputError

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"the public corpora are not in {SHARED_DATA}"
)


class TestReadLines:
    def test_strips_sentences_and_keeps_blank_lines_in_place(self, write):
        assert read_lines(write("a", " we 're here \n\n  \nthe end")) == [
            "we 're here",
            "",
            "",
            "the end",
        ]

    def test_byte_order_mark_and_crlf_are_removed(self, write):
        assert read_lines(write("a", b"\xef\xbb\xbfone\r\ntwo\r\n")) == ["one", "two"]

    @pytest.mark.parametrize("character", ["\u2028", "\u0085", "\x0b", "\x0c"])
    def test_only_line_feeds_end_a_line(self, write, character):
        assert read_lines(write("a", f"one{character}two\nthree\n")) == [
            f"one{character}two",
            "three",
        ]

    def test_names_file_and_line_of_a_byte_that_is_not_utf8(self, write):
        path = write("a.zh", "一\n二\n".encode() + "三\n".encode("gb18030"))
        with pytest.raises(InputError, match=r"a\.zh, line 3, contains the byte 0xc8.*iconv"):
            read_lines(path)

    def test_names_the_line_that_ends_within_a_character(self, write):
        with pytest.raises(InputError, match="line 2, contains the byte 0xe4"):
            read_lines(write("a", "一\n".encode() + "二".encode()[:2]))

    def test_missing_file(self, tmp_path):
        with pytest.raises(InputError, match=r"gone\.txt cannot be read .*check the path"):
            read_lines(tmp_path / "gone.txt")

    def test_directory_in_place_of_a_file(self, tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_lines(tmp_path)

    def test_a_line_of_characters_without_width_is_blank(self, write):
        path = write("a", "one\n\u200b\n \ufeff\u2060 \ntwo\u200b\n")
        assert read_lines(path) == ["one", "", "", "two\u200b"]

    def test_compressed_utf16_with_old_line_ends(self, write):
        path = write("a.gz", gzip.compress("一\r二\r".encode("utf-16")))
        assert read_lines(path) == ["一", "二"]

    @pytest.mark.parametrize("content", [b"", b"\n \n\r\n", b"\xef\xbb\xbf", b"\xe2\x80\x8b\n"])
    def test_file_without_sentences(self, write, content):
        with pytest.raises(InputError, match="contains no sentence"):
            read_lines(write("a", content))


class TestReadParallel:
    def test_pairs_line_by_line(self, write):
        pairs = read_parallel(write("a.de", "eins\n\ndrei\n"), write("a.en", "one\ntwo\nthree"))
        assert pairs == Pairs(["eins", "", "drei"], ["one", "two", "three"])

    def test_names_both_counts_when_they_differ(self, write):
        with pytest.raises(InputError, match=r"a\.de has 3 lines and .*a\.en has 2"):
            read_parallel(write("a.de", "1\n2\n3\n"), write("a.en", "1\n2\n"))

    @needs_shared_data
    def test_multi30k(self):
        pairs = read_parallel(SHARED_DATA / "multi30k/val.de", SHARED_DATA / "multi30k/val.en")
        assert len(pairs) == 1014
        assert all(source and target for source, target in pairs)


class TestReadCorpus:
    @pytest.fixture
    def paths(self, write):
        def lines(name, first, last):
            return write(name, "".join(f"{name} {i}\n" for i in range(first, last)))

        return {
            "train": (lines("a.de", 0, 20), lines("a.en", 0, 20)),
            "dev": (lines("b.de", 0, 3), lines("b.en", 0, 3)),
        }

    def test_splits_off_the_held_out_parts(self, paths):
        corpus = read_corpus(*paths["train"], dev=2, test=4)
        assert corpus == split(read_parallel(*paths["train"]), dev=2, test=4)
        assert list(map(len, corpus)) == [14, 2, 4]
        assert read_corpus(*paths["train"], dev=2, test=4, seed=2) != corpus

    def test_reads_a_held_out_part_from_its_files(self, paths):
        corpus = read_corpus(*paths["train"], dev=paths["dev"], test=4)
        assert list(map(len, corpus)) == [16, 3, 4]
        assert corpus.dev.target == ("b.en 0", "b.en 1", "b.en 2")
        assert list(map(len, read_corpus(*paths["train"], dev=0, test=paths["dev"]))) == [20, 0, 3]

    def test_sizes_can_be_numpy_integers(self, paths):
        sizes = read_corpus(*paths["train"], dev=np.int64(2), test=np.int32(4), seed=np.int64(1))
        assert sizes == read_corpus(*paths["train"], dev=2, test=4)
        with pytest.raises(InputError, match="`dev` must be an integer of at least 0, got True"):
            read_corpus(*paths["train"], dev=True)

    def test_too_few_lines_for_the_split(self, paths):
        with pytest.raises(InputError, match=r"Cannot split 20 pairs.*dev=500, test=1000"):
            read_corpus(*paths["train"])


class TestReadTabSeparated:
    def test_takes_the_first_two_columns_and_skips_blank_lines(self, write):
        path = write("a.txt", "Hi.\t嗨。\tCC-BY 2.0 #1 & #2\r\n\r\n Run! \t 跑！\r\n")
        assert read_tab_separated(path) == Pairs(["Hi.", "Run!"], ["嗨。", "跑！"])

    def test_names_the_line_with_one_column(self, write):
        with pytest.raises(InputError, match=r"a\.txt, line 2, has only one column \('Run!'\)"):
            read_tab_separated(write("a.txt", "Hi.\t嗨。\nRun!\n"))

    def test_names_the_line_without_the_column(self, write):
        path = write("a.txt", "1\tHi.\t嗨。\n2\tRun!\n")
        with pytest.raises(InputError, match=r"a\.txt, line 2, has only 2 columns \('2'\)"):
            read_tab_separated(path, columns=(2, 3))

    def test_a_file_without_pairs(self, write):
        with pytest.raises(InputError, match=r"a\.txt contains no sentences"):
            read_tab_separated(write("a.txt", " \t\u200b\n\n"))

    def test_a_blank_column_is_a_blank_sentence(self, write):
        assert read_tab_separated(write("a", "\t嗨。\nHi.\t\n")) == Pairs(["", "Hi."], ["嗨。", ""])

    @needs_shared_data
    def test_tatoeba(self):
        pairs = read_tab_separated(SHARED_DATA / "cmn-eng/cmn.txt")
        assert len(pairs) == 29155
        assert next(iter(pairs)) == ("Hi.", "嗨。")


def test_the_defaults():
    assert defaults(read_corpus) == {"dev": 500, "test": 1000, "seed": 1}
