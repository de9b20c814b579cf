import bz2
import gzip
import lzma
import tarfile
import zipfile

import pytest

from tf_seq2seq.data import text_files
from tf_seq2seq.data.text_files import read_text_lines
from tf_seq2seq.errors import InputError

LINES = ["Grüße, \u2028Zeile 1", "", "我昨天买的书。"]
TEXT = "".join(f"{line}\n" for line in LINES)


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "a.txt"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_unpacked(write, compress):
    assert read_text_lines(write(compress(TEXT.encode()))) == LINES
    assert read_text_lines(write(compress(TEXT.encode("utf-16")))) == LINES


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_damaged_compressed_file(write, compress):
    with pytest.raises(InputError, match=r"a\.txt cannot be unpacked \(.+\): download it"):
        read_text_lines(write(compress(TEXT.encode())[:-5]))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_gives_the_encoding(write, encoding):
    assert read_text_lines(write(TEXT.encode(encoding))) == LINES


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
def test_big_and_little_endian_marks(write, encoding):
    assert read_text_lines(write(("\ufeff" + TEXT).encode(encoding))) == LINES


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(write, end):
    content = "one" + end + end + "two"
    assert read_text_lines(write(content.encode())) == ["one", "", "two"]
    assert read_text_lines(write((content + end).encode())) == ["one", "", "two"]


def test_a_carriage_return_within_a_line_of_a_file_with_line_feeds_is_text(write):
    assert read_text_lines(write(b"one\rtwo\nthree\n")) == ["one\rtwo", "three"]


def test_an_empty_file_has_no_lines(write):
    assert read_text_lines(write(b"")) == []


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE"])
@pytest.mark.parametrize("text", ["This is English.\n", "一本书\n一个人\n" * 3])
def test_utf16_without_a_mark_is_named(write, encoding, text):
    with pytest.raises(
        InputError, match=rf"looks like {encoding} .*`iconv -f {encoding} -t UTF-8`"
    ):
        read_text_lines(write(text.encode(encoding)))


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ("ok\nGrüße aus Köln\n".encode("latin-1"), "line 2, .*0xfc.* -f WINDOWS-1252 .* Western"),
        ("Le café est fermé.\n".encode("cp1252"), "line 1, .*0xe9.* -f WINDOWS-1252 "),
        ("ok\n我昨天买的书很有意思。\n".encode("gb18030"), "line 2, .* -f GB18030 .* Chinese"),
        ("Это книга о войне и мире.\n".encode("cp1251"), "iconv -f ENCODING "),
        ("ok\rno\r我\r".encode("gb18030"), "line 3, .* -f GB18030 "),
        (bytes(range(256)) * 4, "contains binary data: pass a text file"),
        (b"\xff\xfea", "begins like UTF-16-LE but is damaged"),
    ],
)
def test_the_advice_suits_the_bytes(write, content, advice):
    with pytest.raises(InputError, match=advice):
        read_text_lines(write(content))


def test_archives_are_named(tmp_path):
    (tmp_path / "a.txt").write_text("one\n")
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.write(tmp_path / "a.txt")
    with tarfile.open(tmp_path / "c", "w:gz") as archive:
        archive.add(tmp_path / "a.txt")
    for name, kind in (("b", "zip"), ("c", "tar")):
        with pytest.raises(InputError, match=f"{name} is a {kind} file: unpack it"):
            read_text_lines(tmp_path / name)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"gone\.txt cannot be read .*check the path"):
        read_text_lines(tmp_path / "gone.txt")


@pytest.mark.parametrize("block", [4, 5, 6, 7])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lines_and_characters_may_cross_blocks(write, monkeypatch, block, encoding):
    monkeypatch.setattr(text_files, "BLOCK", block)
    for end in ("\n", "\r\n"):
        text = end.join(["一本书", "", "two", "é"])
        assert read_text_lines(write(text.encode(encoding))) == ["一本书", "", "two", "é"]
    content = "一\n二\n".encode() + b"abc\n\xff"
    with pytest.raises(InputError, match="line 4, contains the byte 0xff"):
        read_text_lines(write(content))
