"""Loaders of the public corpora."""

from pathlib import Path

import pytest

from tf_seq2seq.data import public
from tf_seq2seq.data.public import book_vocabulary, multi30k, ptb, tatoeba, ted
from tf_seq2seq.errors import InputError

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"the development data are not at {SHARED_DATA}"
)


@pytest.fixture
def write(tmp_path):
    def write(name, *lines):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    return write


class TestDataDir:
    @pytest.fixture
    def files(self, write):
        for part in ("train", "valid", "test"):
            write(f"ptb/ptb.{part}.txt", f" a {part} line ", " N <unk> ")

    @pytest.mark.parametrize("folder", [".", "ptb"])
    def test_is_the_folder_of_the_files_or_the_one_that_holds_it(self, tmp_path, files, folder):
        text = ptb(tmp_path / folder)
        assert text.train == ("a train line", "N <unk>")
        assert text.dev == ("a valid line", "N <unk>")
        assert text.test == ("a test line", "N <unk>")

    def test_names_what_is_missing(self, tmp_path, files):
        (tmp_path / "ptb/ptb.valid.txt").unlink()
        with pytest.raises(InputError, match=r"ptb has no ptb\.valid\.txt: give the folder"):
            ptb(tmp_path)

    def test_that_does_not_exist(self, tmp_path):
        with pytest.raises(InputError, match=r"gone has no train\.de, train\.en, val\.de"):
            multi30k(tmp_path / "gone")


def test_ted_joins_the_test_sets_asked_for(tmp_path, write):
    for part in ("train", "dev2010", *public.TED_TEST_SETS):
        write(f"{part}.en", f"{part} one", f"{part} two")
        write(f"{part}.zh", f"{part} 一", f"{part} 二")
    corpus = ted(tmp_path)
    assert corpus.train.source == ("train one", "train two")
    assert corpus.dev.target == ("dev2010 一", "dev2010 二")
    assert len(corpus.test) == 12
    assert list(ted(tmp_path, test_sets=["tst2013"]).test) == [
        ("tst2013 one", "tst2013 一"),
        ("tst2013 two", "tst2013 二"),
    ]


def test_ted_needs_no_test_set_but_those_asked_for(tmp_path, write):
    for part in ("train", "dev2010"):
        write(f"{part}.en", "one")
        write(f"{part}.zh", "一")
    assert len(ted(tmp_path, test_sets=[]).test) == 0
    with pytest.raises(InputError, match=r"no tst2013\.en, tst2013\.zh"):
        ted(tmp_path, test_sets=["tst2013"])


@needs_shared_data
@pytest.mark.parametrize(
    ("load", "sizes", "first"),
    [
        (ptb, [42068, 3370, 3761], "aer banknote"),
        (ted, [56425, 879, 8549], "And we're making the ocean"),
        (multi30k, [29000, 1014, 1000], "Zwei junge weiße Männer"),
        (tatoeba, [27649, 500, 1000], "Hi."),
    ],
)
def test_real_corpora(load, sizes, first):
    corpus = load(SHARED_DATA)
    assert [len(part) for part in corpus] == sizes
    line = corpus.train[0] if load is ptb else corpus.train.source[0]
    assert line.startswith(first)


@needs_shared_data
def test_the_book_s_vocabularies():
    assert len(book_vocabulary("en", SHARED_DATA)) == 10_001
    assert len(book_vocabulary("zh", SHARED_DATA / "en-zh-ted")) == 4_001
    assert book_vocabulary("zh", SHARED_DATA)[4] == "的"
    with pytest.raises(InputError, match=r"has no book-vocab\.fr"):
        book_vocabulary("fr", SHARED_DATA)
