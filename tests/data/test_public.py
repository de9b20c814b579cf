"""The public corpora: from a folder, and from a server on loopback in place of their sources."""

import dataclasses
import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from types import MappingProxyType

import pytest

from tf_seq2seq.data import (
    PUBLIC_CORPORA,
    PUBLIC_TEXTS,
    TED_TEST_SETS,
    Corpus,
    PublicFiles,
    RemoteFile,
    book_vocabulary,
    public,
    public_corpus,
    public_text,
    read_parallel,
)
from tf_seq2seq.errors import InputError

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"the public corpora are not in {SHARED_DATA}"
)


class TestDataDir:
    @pytest.fixture
    def files(self, write):
        for part in ("train", "valid", "test"):
            write(f"ptb/ptb.{part}.txt", f" a {part} line \n", " N <unk> \n")

    @pytest.mark.parametrize("folder", [".", "ptb"])
    def test_is_the_folder_of_the_files_or_contains_it(self, tmp_path, files, folder):
        text = public_text("ptb", tmp_path / folder)
        assert text.train == ("a train line", "N <unk>")
        assert text.dev == ("a valid line", "N <unk>")
        assert text.test == ("a test line", "N <unk>")

    def test_without_a_file_names_it_and_where_to_get_it(self, tmp_path, files):
        (tmp_path / "ptb/ptb.valid.txt").unlink()
        message = r"ptb has no ptb\.valid\.txt: pass the folder .* from Mikolov's simple-examples"
        with pytest.raises(InputError, match=message):
            public_text("ptb", tmp_path)

    def test_that_does_not_exist(self, tmp_path):
        with pytest.raises(InputError, match=r"gone has no train\.de, train\.en, val\.de"):
            public_corpus("multi30k", tmp_path / "gone")


class TestRegistry:
    def test_unknown_names_and_options_are_refused(self, tmp_path):
        with pytest.raises(InputError, match=r"`name` must be 'ted', .*, got 'ptb'"):
            public_corpus("ptb")
        with pytest.raises(InputError, match="`name` must be 'ptb', got 'ted'"):
            public_text("ted")
        with pytest.raises(TypeError, match="dev"):
            public_corpus("multi30k", tmp_path, dev=5)

    def test_a_corpus_is_one_entry(self, monkeypatch, server):
        def read(find, repeat=1):
            paths = find(["toy.de", "toy.en"])
            return Corpus(*[read_parallel(*paths)] * 3 * repeat)

        server.files = {"a.de": b"eins\n", "a.en": b"one\n"}
        files = {f"toy.{side}": RemoteFile(server.url(f"a.{side}")) for side in ("de", "en")}
        toy = PublicFiles("toy", "https://example.org", files, read)
        monkeypatch.setitem(PUBLIC_CORPORA, "toy", toy)
        assert list(public_corpus("toy", repeat=1).dev) == [("eins", "one")]
        assert len(server.requests) == 2


class TestTed:
    def test_joins_the_requested_test_sets(self, tmp_path, write):
        for part in ("train", "dev2010", *TED_TEST_SETS):
            write(f"{part}.en", f"{part} one\n", f"{part} two\n")
            write(f"{part}.zh", f"{part} 一\n", f"{part} 二\n")
        corpus = public_corpus("ted", tmp_path)
        assert corpus.train.source == ("train one", "train two")
        assert corpus.dev.target == ("dev2010 一", "dev2010 二")
        assert len(corpus.test) == 12
        assert list(public_corpus("ted", tmp_path, test_sets=["tst2013"]).test) == [
            ("tst2013 one", "tst2013 一"),
            ("tst2013 two", "tst2013 二"),
        ]

    def test_needs_only_the_requested_test_sets(self, tmp_path, write):
        for part in ("train", "dev2010"):
            write(f"{part}.en", "one\n")
            write(f"{part}.zh", "一\n")
        assert len(public_corpus("ted", tmp_path, test_sets=[]).test) == 0
        with pytest.raises(InputError, match=r"no tst2013\.en, tst2013\.zh"):
            public_corpus("ted", tmp_path, test_sets=["tst2013"])


@needs_shared_data
@pytest.mark.parametrize(
    ("name", "sizes", "first"),
    [
        ("ptb", [42068, 3370, 3761], "aer banknote"),
        ("ted", [56425, 879, 8549], "And we're making the ocean"),
        ("multi30k", [29000, 1014, 1000], "Zwei junge weiße Männer"),
        ("tatoeba", [27649, 500, 1000], "Hi."),
    ],
)
def test_real_corpora(name, sizes, first):
    corpus = {**PUBLIC_TEXTS, **PUBLIC_CORPORA}[name].load(SHARED_DATA)
    assert [len(part) for part in corpus] == sizes
    line = corpus.train[0] if name == "ptb" else corpus.train.source[0]
    assert line.startswith(first)


@needs_shared_data
def test_the_books_vocabularies():
    assert len(book_vocabulary("en", SHARED_DATA)) == 10_001
    assert len(book_vocabulary("zh", SHARED_DATA / "en-zh-ted")) == 4_001
    assert book_vocabulary("zh", SHARED_DATA)[4] == "的"


def test_the_book_has_two_vocabularies():
    with pytest.raises(InputError, match="`language` must be 'en' or 'zh', got 'fr'"):
        book_vocabulary("fr")


# --- Downloads ------------------------------------------------------------------------------------


@pytest.fixture
def publish(server, monkeypatch):
    """Put contents on the server in place of the files of an entry, by their names."""

    def publish(name, contents, checked=True):
        registry = next(r for r in (PUBLIC_CORPORA, PUBLIC_TEXTS) if name in r)
        monkeypatch.setitem(registry, name, moved(registry[name], contents, checked))

    def moved(entry, contents, checked=True):
        files = {}
        for name, file in entry.files.items():
            url = server.url(file.url)
            files[name] = file._replace(url=url) if checked else RemoteFile(url)
        for name, content in contents.items():
            server.files[files[name].url.removeprefix(f"{server.address}/")] = content
        return dataclasses.replace(entry, files=files)

    publish.moved = moved
    return publish


@needs_shared_data
@pytest.mark.parametrize("name", ["ptb", "multi30k"])
def test_the_real_files_pass_the_checks(name, publish, server):
    entry = {**PUBLIC_TEXTS, **PUBLIC_CORPORA}[name]
    contents = {}
    for file_name, file in entry.files.items():
        content = (SHARED_DATA / entry.folder / file_name).read_bytes()
        contents[file_name] = gzip.compress(content, 1) if file.url.endswith(".gz") else content
    publish(name, contents)
    load = {"ptb": public_text, "multi30k": public_corpus}[name]
    assert load(name) == load(name, SHARED_DATA)
    assert load(name) == load(name, SHARED_DATA)
    assert len(server.requests) == len(contents)


@needs_shared_data
def test_the_real_vocabularies_pass_the_checks(publish, monkeypatch):
    names = ("book-vocab.en", "book-vocab.zh")
    contents = {name: (SHARED_DATA / "en-zh-ted" / name).read_bytes() for name in names}
    moved = publish.moved(public.BOOK_VOCABULARIES, contents)
    monkeypatch.setattr(public, "BOOK_VOCABULARIES", moved)
    for language in ("en", "zh"):
        assert book_vocabulary(language) == book_vocabulary(language, SHARED_DATA)


def test_the_wrong_file_is_refused(publish):
    publish("ptb", {"ptb.train.txt": b"the wrong text\n"})
    with pytest.raises(
        InputError, match=r"train\.txt .*expected 5101618 bytes, found 15.* Mikolov"
    ):
        public_text("ptb")


def test_a_file_that_its_source_no_longer_has(publish):
    publish("multi30k", {})
    with pytest.raises(
        InputError, match=r"train\.de\.gz .*404.* get train\.de manually from https"
    ):
        public_corpus("multi30k")


class TestTatoeba:
    LINES = "".join(f"Sentence {i}.\t句子{i}。\tCC-BY 2.0 (France)\n" for i in range(50))

    def test_is_read_from_the_archive(self, publish, server, capsys):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("_about.txt", "Tab-delimited Bilingual Sentence Pairs")
            archive.writestr("cmn.txt", self.LINES)
        publish("tatoeba", {"cmn.txt": file.getvalue()})
        corpus = public_corpus("tatoeba", dev=5, test=10)
        assert [len(part) for part in corpus] == [35, 5, 10]
        assert "its SHA-256 is" in capsys.readouterr().out
        assert public_corpus("tatoeba", dev=5, test=10) == corpus
        assert len(server.requests) == 1


class TestTedArchive:
    """An archive in the layout of IWSLT 2017."""

    HEAD = (
        "<url>http://www.ted.com/talks/one</url>\n"
        "<keywords>talks, one</keywords>\n"
        "<speaker>Al Gore</speaker>\n"
        "<talkid>1</talkid>\n"
        "<title>Al Gore: One</title>\n"
        "<description>One talk.</description>\n"
        '<reviewer href="http://www.ted.com/profiles/1">One</reviewer>\n'
        '<translator href="http://www.ted.com/profiles/2">Two</translator>\n'
    )
    TRAIN = MappingProxyType(
        {
            "en": " Thank you  so much.\nR&amp;D is\u2028good. \n\n1 &lt; 2\n",
            "zh": "非常　感谢\r\n研发 很好。\n\n一小于二\n",
        }
    )

    def archive(self, without=()):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz") as archive:

            def add(name, text):
                member = tarfile.TarInfo(name)
                content = text.encode()
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))

            add("../../evil.txt", "evil")
            add("zh-en/README", "Copyright: TED Conference LLC")
            add("zh-en/._train.tags.zh-en.en", "not the text")
            for language in ("en", "zh"):
                train = self.HEAD + self.TRAIN[language] + self.HEAD + self.TRAIN[language]
                add(f"zh-en/train.tags.zh-en.{language}", train)
                for part in ("dev2010", *TED_TEST_SETS):
                    if part in without:
                        continue
                    add(
                        f"zh-en/IWSLT17.TED.{part}.zh-en.{language}.xml",
                        '<?xml version="1.0" encoding="UTF-8"?>\n<mteval>\n'
                        f'<refset setid="{part}">\n<doc docid="535" genre="lectures">\n'
                        "<url>http://www.ted.com/talks/one</url> \n<title>One</title> \n"
                        f'<seg id="1"> {part} {language}  one   </seg>\n'
                        f'<seg id="2"> {part} AT&amp;T\n</seg>\n</doc>\n'
                        f'<doc docid="531" genre="lectures">\n<seg id="1">{part} three</seg>\n'
                        "</doc>\n</refset>\n</mteval>\n",
                    )
        return file.getvalue()

    def test_is_unpacked_once(self, publish, server, tmp_path):
        publish("ted", {"zh-en.tgz": self.archive()}, checked=False)
        corpus = public_corpus("ted")
        assert corpus.train.source == ("Thank you so much.", "R&D is good.", "", "1 < 2") * 2
        assert corpus.train.target == ("非常 感谢", "研发 很好。", "", "一小于二") * 2
        assert corpus.dev.source == ("dev2010 en one", "dev2010 AT&T", "dev2010 three")
        assert corpus.dev.target[0] == "dev2010 zh one"
        assert len(corpus.test) == 3 * 6
        assert corpus.test.source[-1] == "tst2015 three"
        assert not list(tmp_path.rglob("evil.txt"))
        assert public_corpus("ted", test_sets=["tst2013"]).test.source[0] == "tst2013 en one"
        assert len(server.requests) == 1

    def test_can_be_stored_manually(self, server, tmp_path):
        folder = tmp_path / "cache" / "en-zh-ted"
        folder.mkdir(parents=True)
        (folder / "zh-en.tgz").write_bytes(self.archive())
        assert len(public_corpus("ted").train) == 8
        # Once unpacked, the folder can be used like any other.
        (folder / "zh-en.tgz").unlink()
        corpus = public_corpus("ted")
        assert corpus == public_corpus("ted", folder) == public_corpus("ted", tmp_path / "cache")
        assert server.requests == []

    @pytest.mark.parametrize("damage", ["member", "end", "all"])
    def test_that_is_damaged_is_refused(self, server, tmp_path, damage):
        content = {
            "member": self.archive(without=["tst2012"]),
            "end": self.archive()[:-100],
            "all": b"<html>Sorry</html>",
        }[damage]
        folder = tmp_path / "cache" / "en-zh-ted"
        folder.mkdir(parents=True)
        (folder / "zh-en.tgz").write_bytes(content)
        with pytest.raises(
            InputError, match=r"zh-en\.tgz is not the expected archive .* delete it"
        ):
            public_corpus("ted")
        assert len(list(folder.iterdir())) == 1

    def test_that_is_the_wrong_one_is_refused(self, publish, tmp_path):
        publish("ted", {"zh-en.tgz": self.archive()})
        with pytest.raises(InputError, match=r"zh-en\.tgz is not .*expected 26848340 bytes"):
            public_corpus("ted")
        assert list((tmp_path / "cache" / "en-zh-ted").iterdir()) == []
