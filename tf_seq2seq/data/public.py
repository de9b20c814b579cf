"""The public corpora: where each of them lies on disk, and how it becomes pairs or lines.

A loader takes `data_dir`, the folder with the corpus in it: the folder of its files itself, or a
folder that holds it under the name given in the loader's docstring.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from tf_seq2seq.data.corpora import read_lines, read_parallel, read_tab_separated, split
from tf_seq2seq.data.pairs import Corpus, Pairs, TextCorpus
from tf_seq2seq.errors import InputError
from tf_seq2seq.text.vocabulary import Vocabulary

DataDir = str | os.PathLike | None

TED_TEST_SETS = ("tst2010", "tst2011", "tst2012", "tst2013", "tst2014", "tst2015")


@dataclasses.dataclass(frozen=True)
class _Source:
    """A corpus as it is published.

    Args:
        title: what a message calls it.
        folder: the name of its folder.
    """

    title: str
    folder: str

    def find(self, data_dir: DataDir, names: Sequence[str]) -> list[Path]:
        """The paths of the named files, all of which exist."""
        if data_dir is None:
            raise InputError(f"Give the folder that holds {self.title} as `data_dir`.")
        data_dir = Path(data_dir).expanduser()
        folder = data_dir / self.folder if (data_dir / self.folder).is_dir() else data_dir
        paths = [folder / name for name in names]
        if missing := [path.name for path in paths if not path.is_file()]:
            raise InputError(
                f"{folder} has no {', '.join(missing)}: give the folder that holds {self.title}, "
                f"or the folder that holds that one as {self.folder}."
            )
        return paths


PTB = _Source("the Penn Treebank text", "ptb")
TED = _Source("the TED talks", "en-zh-ted")
TATOEBA = _Source("Tatoeba's English-Chinese pairs", "cmn-eng")
MULTI30K = _Source("Multi30k", "multi30k")


def ptb(data_dir: DataDir = None) -> TextCorpus:
    """The Penn Treebank text in Mikolov's form: the corpus of the book's language model.

    42,068, 3,370 and 3,761 lines of words, rare ones given as `<unk>` and numbers as `N`. With
    `<eos>` at the end of each line there are 929,589, 73,760 and 82,430 tokens of 10,000 types.

    Args:
        data_dir: a folder with `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`, or with a
            folder `ptb` that has them.

    Returns:
        The lines of the three parts.

    Raises:
        InputError: if a file is missing or unfit (see `read_lines`).
    """
    names = [f"ptb.{part}.txt" for part in ("train", "valid", "test")]
    return TextCorpus(*(tuple(read_lines(path)) for path in PTB.find(data_dir, names)))


def ted(data_dir: DataDir = None, test_sets: Sequence[str] = TED_TEST_SETS) -> Corpus:
    """Transcripts of TED talks, English to Chinese: the domain of the book's translator.

    Args:
        data_dir: a folder with `train.en`, `train.zh` and, in the same way, `dev2010` and
            `test_sets`, or with a folder `en-zh-ted` that has them.
        test_sets: of which sets the test part consists, in this order. Talks given in the year of
            the name are in a set, so `ted(test_sets=["tst2013"]).test` is a test set of its own.

    Returns:
        The corpus; its development part is `dev2010`.

    Raises:
        InputError: if a file is missing or unfit (see `read_parallel`).
    """

    names = [f"{part}.{side}" for part in ("train", "dev2010", *test_sets) for side in ("en", "zh")]
    paths = TED.find(data_dir, names)
    train, dev, *tests = map(read_parallel, paths[::2], paths[1::2])
    source = [sentence for part in tests for sentence in part.source]
    target = [sentence for part in tests for sentence in part.target]
    return Corpus(train, dev, Pairs(source, target))


def tatoeba(data_dir: DataDir = None, dev: int = 500, test: int = 1000, seed: int = 1) -> Corpus:
    """Everyday sentences collected by tatoeba.org, English to Chinese.

    Args:
        data_dir: a folder with `cmn.txt`, or with a folder `cmn-eng` that has it.
        dev: number of pairs of the development part.
        test: number of pairs of the test part.
        seed: of the split, which lets no held-out sentence occur in training (see `split`).

    Returns:
        The corpus; simplified and traditional characters are mixed.

    Raises:
        InputError: if the file is missing or unfit (see `read_tab_separated`), or a size is.
    """
    (path,) = TATOEBA.find(data_dir, ["cmn.txt"])
    return split(read_tab_separated(path), dev, test, seed)


def multi30k(data_dir: DataDir = None) -> Corpus:
    """Descriptions of pictures, German to English: 29,000, 1,014 and 1,000 pairs.

    Args:
        data_dir: a folder with `train.de`, `train.en` and, in the same way, `val` and `test2016`,
            or with a folder `multi30k` that has them.

    Returns:
        The corpus; its test part is `test2016`, of pictures from Flickr.

    Raises:
        InputError: if a file is missing or unfit (see `read_parallel`).
    """
    names = [f"{part}.{side}" for part in ("train", "val", "test2016") for side in ("de", "en")]
    paths = MULTI30K.find(data_dir, names)
    return Corpus(*map(read_parallel, paths[::2], paths[1::2]))


def book_vocabulary(language: str, data_dir: DataDir = None) -> Vocabulary:
    """The book's own vocabulary of its TED talks, most frequent token first.

    Args:
        language: "en" for the 10,000 English words, "zh" for the 4,000 Chinese characters; both
            counts are with `<unk>`, `<sos>` and `<eos>`, to which `<pad>` is added.
        data_dir: a folder with `book-vocab.en` and `book-vocab.zh`, or with a folder `en-zh-ted`
            that has them.

    Raises:
        InputError: if the file is missing or unfit (see `Vocabulary.load`).
    """
    (path,) = TED.find(data_dir, [f"book-vocab.{language}"])
    return Vocabulary.load(path)
