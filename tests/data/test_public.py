"""Loaders of the public corpora: from a folder, and from their sources, played by loopback."""

import dataclasses
import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from types import MappingProxyType

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

    def test_names_what_is_missing_and_where_it_is_to_be_had(self, tmp_path, files):
        (tmp_path / "ptb/ptb.valid.txt").unlink()
        message = r"ptb has no ptb\.valid\.txt: give the folder .* from Mikolov's simple-examples"
        with pytest.raises(InputError, match=message):
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
    with pytest.raises(InputError, match="language='fr': give 'en' or 'zh'"):
        book_vocabulary("fr", SHARED_DATA)


# --- Downloads ------------------------------------------------------------------------------------


@pytest.fixture
def publish(server, monkeypatch):
    """Moves the files of a source to the server, and puts content there for some of them."""

    def publish(source, contents, checked=True):
        files = {}
        for name, file in getattr(public, source).files.items():
            files[name] = file._replace(url=server.url(file.url))
            if not checked:
                files[name] = public._File(server.url(file.url))
        for name, content in contents.items():
            server.files[files[name].url.removeprefix(f"{server.address}/")] = content
        monkeypatch.setattr(
            public, source, dataclasses.replace(getattr(public, source), files=files)
        )

    return publish


@needs_shared_data
@pytest.mark.parametrize(("load", "source"), [(ptb, "PTB"), (multi30k, "MULTI30K")])
def test_the_real_files_pass_the_checks(load, source, publish, server):
    folder = SHARED_DATA / getattr(public, source).folder
    contents = {}
    for name, file in getattr(public, source).files.items():
        content = (folder / name).read_bytes()
        contents[name] = gzip.compress(content, 1) if file.url.endswith(".gz") else content
    publish(source, contents)
    assert load() == load(SHARED_DATA)
    assert load() == load(SHARED_DATA)
    assert len(server.requests) == len(contents)


@needs_shared_data
def test_the_real_vocabularies_pass_the_checks(publish):
    names = ("book-vocab.en", "book-vocab.zh")
    publish("BOOK", {name: (SHARED_DATA / "en-zh-ted" / name).read_bytes() for name in names})
    for language in ("en", "zh"):
        assert book_vocabulary(language) == book_vocabulary(language, SHARED_DATA)


def test_the_wrong_file_is_refused(publish):
    publish("PTB", {"ptb.train.txt": b"the wrong text\n"})
    with pytest.raises(
        InputError, match=r"train\.txt .*expected 5101618 bytes, found 15.* Mikolov"
    ):
        ptb()


def test_a_source_that_is_gone(publish):
    publish("MULTI30K", {})
    with pytest.raises(InputError, match=r"train\.de\.gz .*404.* get train\.de by hand from https"):
        multi30k()


class TestTatoeba:
    LINES = "".join(f"Sentence {i}.\t句子{i}。\tCC-BY 2.0 (France)\n" for i in range(50))

    def test_comes_out_of_the_archive(self, publish, server, capsys):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("_about.txt", "Tab-delimited Bilingual Sentence Pairs")
            archive.writestr("cmn.txt", self.LINES)
        publish("TATOEBA", {"cmn.txt": file.getvalue()})
        corpus = tatoeba(dev=5, test=10)
        assert [len(part) for part in corpus] == [35, 5, 10]
        assert "its SHA-256 is" in capsys.readouterr().out
        assert tatoeba(dev=5, test=10) == corpus
        assert len(server.requests) == 1


class TestTalks:
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
                for part in ("dev2010", *public.TED_TEST_SETS):
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

    def test_come_out_of_the_archive(self, publish, server, tmp_path):
        publish("TED", {"zh-en.tgz": self.archive()}, checked=False)
        corpus = ted()
        assert corpus.train.source == ("Thank you so much.", "R&D is good.", "", "1 < 2") * 2
        assert corpus.train.target == ("非常 感谢", "研发 很好。", "", "一小于二") * 2
        assert corpus.dev.source == ("dev2010 en one", "dev2010 AT&T", "dev2010 three")
        assert corpus.dev.target[0] == "dev2010 zh one"
        assert len(corpus.test) == 3 * 6
        assert corpus.test.source[-1] == "tst2015 three"
        assert not list(tmp_path.rglob("evil.txt"))
        assert ted(test_sets=["tst2013"]).test.source[0] == "tst2013 en one"
        assert len(server.requests) == 1

    def test_can_be_put_in_place_by_hand(self, server, tmp_path):
        folder = tmp_path / "cache" / "en-zh-ted"
        folder.mkdir(parents=True)
        (folder / "zh-en.tgz").write_bytes(self.archive())
        assert len(ted().train) == 8
        # Once unpacked, they are a data folder like any other.
        (folder / "zh-en.tgz").unlink()
        assert ted() == ted(folder) == ted(tmp_path / "cache")
        assert server.requests == []

    @pytest.mark.parametrize("damage", ["member", "end", "all"])
    def test_in_another_archive(self, server, tmp_path, damage):
        content = {
            "member": self.archive(without=["tst2012"]),
            "end": self.archive()[:-100],
            "all": b"<html>Sorry</html>",
        }[damage]
        folder = tmp_path / "cache" / "en-zh-ted"
        folder.mkdir(parents=True)
        (folder / "zh-en.tgz").write_bytes(content)
        with pytest.raises(
            InputError, match=r"zh-en\.tgz is not the archive expected .* delete it"
        ):
            ted()
        assert len(list(folder.iterdir())) == 1

    def test_are_refused_if_it_is_the_wrong_one(self, publish, tmp_path):
        publish("TED", {"zh-en.tgz": self.archive()})
        with pytest.raises(InputError, match=r"zh-en\.tgz is not .*expected 26848340 bytes"):
            ted()
        assert list((tmp_path / "cache" / "en-zh-ted").iterdir()) == []
