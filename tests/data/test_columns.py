"""Which columns of a tab-separated file are read, tested through the reader."""

import warnings

import pytest

from tf_seq2seq.data import Pairs
from tf_seq2seq.data.readers import read_tab_separated
from tf_seq2seq.errors import InputError

PAIRS = [
    ("Let's try.", "我们试试看！"),
    ("I have to go to sleep.", "我该去睡觉了。"),
    ("Hi.", "嗨。"),
]


@pytest.fixture
def read(write):
    def read(lines, columns=None):
        path = write("a.tsv", "".join("\t".join(line) + "\n" for line in lines))
        return list(read_tab_separated(path, columns))

    return read


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize(
    "line",
    [
        "{number} {source} {other} {target}",  # Tatoeba's export of pairs
        "{language} {source} {target}",
        "{number} {language} {source} {target} 0.93",
        "{source} {target} CC-BY 2.0 #{number} by CK",
        "{source} {score} {target}",
        "sent_{number} {source}  {target}",
        "https://example.com/?q=Größe {site}/page.html {source} {target}",  # ParaCrawl's
        "doc/{site} {source} {target}",
    ],
)
def test_the_columns_with_text_are_taken(read, line, times):
    lines = [
        [
            field.format(
                number=1276 + i,
                other=2 * i,
                site=f"www.example.com/{'x' * i}y",
                language="eng",
                source=source,
                target=target,
                score=i / 7,
            ).replace("|", " ")
            for field in line.replace("CC-BY 2.0 #{number} by CK", "CC-BY|#{number}|by|CK").split(
                " "
            )
        ]
        for i, (source, target) in enumerate(numbered(times))
    ]
    assert read(lines) == numbered(times)


def numbered(times):
    """Return different pairs, `times` as many as in PAIRS."""
    return [
        (source.replace(".", "!" * n), target.replace("。", "！" * n) + "吧" * n)
        for n in range(1, times + 1)
        for source, target in PAIRS
    ]


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda i, pair: [str(1276 + i), "eng", pair[0]],
            "has numbers in column 1, labels in column 2, text in column 3 .*1276.*eng.*try!.*"
            "choose .* with `columns`, such as 2,3",
        ),
        (
            lambda i, pair: [str(i), pair[0]],
            "numbers in column 1, text in column 2 .* `columns`, such as 1,2",
        ),
        (
            lambda i, pair: [str(i), *pair, "by CK " * i],
            "numbers in column 1, text in column 2, te",
        ),
        (lambda i, pair: [f"{i} + {i}", "x", str(i + i)], "(text|labels) in column 2, numbers in"),
        (lambda i, pair: [pair[0], ""], "text in column 1, nothing in column 2"),
    ],
)
def test_other_columns_are_refused_with_the_first_line(read, make, message, times):
    lines = [make(i, pair) for i, pair in enumerate(numbered(times))]
    with pytest.raises(InputError, match=message):
        read(lines)


def test_two_columns_of_the_same_kind_are_source_and_target(read):
    sums = [(f"{i} + {i}", str(i + i)) for i in range(20)]
    assert read(sums) == sums
    repeated = [pair for pair in PAIRS for _ in range(20)]
    assert read(repeated) == repeated
    with pytest.raises(InputError, match="contains no sentences"):
        read([("", "")])


def test_columns_with_few_values_are_labels(read):
    lines = [[source, "good" if i % 2 else "bad"] for i, (source, _) in enumerate(numbered(20))]
    with pytest.raises(InputError, match="text in column 1, labels in column 2"):
        read(lines)
    assert read(lines, columns=(1, 2)) == [tuple(line) for line in lines]


def test_columns_are_chosen_by_number_in_either_order(read):
    lines = [["7", *pair] for pair in PAIRS]
    assert read(lines, columns=(2, 3)) == PAIRS
    assert read(lines, columns=["3", " 2"]) == [pair[::-1] for pair in PAIRS]


def test_columns_are_chosen_by_name(read):
    lines = [["id", "English", "Chinese"], *(["7", *pair] for pair in PAIRS)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(lines, columns=("Chinese", "English")) == [pair[::-1] for pair in PAIRS]


@pytest.mark.parametrize(
    "header",
    [
        ["source", "target"],
        ["en", "zh"],
        ["English", "Chinese"],
        ["sentence_en", "sentence_zh-CN"],
        ["English words/sentences", "Chinese (translation)"],
        ["英文", "中文"],
        ["ID", "eng", "cmn"],
        ["number", "what we say", "what they say"],
    ],
)
def test_a_header_is_skipped(read, header):
    lines = [[*("1" for _ in header[2:]), *pair] for pair in PAIRS]
    with pytest.warns(UserWarning, match=rf"first line, '{header[0]}.* is skipped") as warned:
        assert read([header, *lines]) == PAIRS
    assert warned[0].filename == __file__
    if len(header) == 2:
        with pytest.warns(UserWarning, match="is skipped"):
            assert read([header, *lines], columns=(1, 2)) == PAIRS


def test_a_first_pair_is_not_a_header(read):
    for first in (
        ("Hi", "Hallo"),
        ("go", "va"),
        ("No.", "No."),
        ("so", "so"),
        ("1", "one"),
        ("ab1", "1ba"),
    ):
        assert read([first, *PAIRS]) == [first, *PAIRS]
    assert read([("source", "target")]) == [("source", "target")]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((1,), r"`columns` must be two columns, source and target, got \(1,\)"),
        ("12", "`columns` must be two columns, source and target, got '12'"),
        ((0, 1), r"`columns` must be two numbers from 1 or two names .* got '0'; the first line"),
        (("en", "zh"), r"got 'en'; the first line of .*a\.tsv is \"Let's try\.\\t我们试试看！\""),
        ((1, 3), r"a\.tsv, line 1, has only 2 columns"),
    ],
)
def test_impossible_choices(read, columns, message):
    with pytest.raises(InputError, match=message):
        read(PAIRS, columns)


def test_the_pairs_are_cleaned(write):
    path = write("a", "\u200b\t 嗨。\u3000\n Hi.\t嗨\n")
    assert read_tab_separated(path) == Pairs(["", "Hi."], ["嗨。", "嗨"])
