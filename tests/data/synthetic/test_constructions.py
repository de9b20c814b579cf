"""The grammar: literal sentence pairs for every construction, and its guarantees."""

import ast
import functools
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from tf_seq2seq.data import synthetic
from tf_seq2seq.data.synthetic.constructions import FAMILIES, grammar
from tf_seq2seq.data.synthetic.lexicon.kinds import (
    Action,
    Deed,
    Person,
    Phrase,
    Quality,
    Thing,
    Verb,
)

# --- Literal pairs --------------------------------------------------------------------------------


def spoken(option) -> list[str]:
    """Return the English by which an option of `choose` can be recognized in a sentence."""
    match option:
        case str():
            return [option]
        case Person() | Phrase():
            return [option.en]
        case Thing():
            return [option.en, option.plural]
        case Quality():
            return [option.en, option.more, option.most]
        case Verb():
            return [option.base, option.s, option.past, option.done, option.ing]
        case Action():
            return [f"{verb} {option.object}".strip() for verb in spoken(option.verb)]
        case Deed():
            return spoken(option.verb)
        case tuple() | list():
            return [text for item in option for text in spoken(item)]
    return []


def derives(name: str, english: str, chinese: str) -> bool:
    """Whether a construction can write a pair.

    Tries at random, but prefers words that the sentence contains.
    """
    rng = random.Random(0)
    sentence = plain(english)
    # By identity, and with the option itself, so that no other object can take over its identity.
    known: dict[int, tuple[object, bool]] = {}

    def fits(option) -> bool:
        if id(option) not in known:
            texts = spoken(option)
            known[id(option)] = option, not texts or any(plain(text) in sentence for text in texts)
        return known[id(option)][1]

    def choose(options):
        likely = [option for option in options if fits(option)]
        # Sometimes anything goes: the sentence may name one person where two must be chosen.
        return rng.choice(likely if likely and rng.random() < 0.95 else options)

    return any(
        (example := grammar.write(name, choose)).source == english and example.target == chinese
        for _ in range(3_000)
    )


@functools.cache
def plain(text: str) -> str:
    """Return the words alone, in lower case, with a space at either end."""
    return f" {' '.join(re.findall('[a-z]+', text.lower()))} "


def example_of(name: str) -> tuple[str, str]:
    """Return the pair at the end of a construction's docstring."""
    docstring = grammar.constructions[name].write_clause.__doc__
    english, chinese = " ".join(docstring.split("\n\n")[-1].split()).split(" / ")
    return english, chinese


def test_the_demo_pair_is_derivable():
    assert derives(
        "relative_subject",
        "The book that I bought yesterday is very interesting.",
        "我昨天买的书很有趣。",
    )


@pytest.mark.parametrize("name", grammar.constructions)
def test_a_construction_writes_the_pair_of_its_docstring(name):
    assert derives(name, *example_of(name))


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        # One English word, several Chinese ones: its neighbors decide.
        ("located", "The bank is opposite the hotel.", "银行在酒店对面。"),
        ("now", "He is reading books on the bank of the river.", "他正在河边看书。"),
        ("opinion", "That bed is too hard.", "那张床太硬了。"),
        ("opinion", "That question is too hard.", "那个问题太难了。"),
        ("opinion", "This dress is too short.", "这条裙子太短了。"),
        ("compared_people", "Tom is shorter than me.", "汤姆比我矮。"),
        ("compared_people", "Anna is older than Tom.", "安娜比汤姆大。"),
        ("compared_things", "This coat is older than that one.", "这件外套比那件旧。"),
        ("short", "We lost.", "我们输了。"),
        ("handled", "Peter lost the key.", "彼得把钥匙弄丢了。"),
        ("opinion", "That bag is very light.", "那个包很轻。"),
        ("handled", "I turned off the light.", "我把灯关掉了。"),
        ("likes", "She likes to play football and dance.", "她喜欢踢足球和跳舞。"),
        ("likes", "She likes to play the violin and dance.", "她喜欢拉小提琴和跳舞。"),
        ("likes", "She likes to play chess and dance.", "她喜欢下棋和跳舞。"),
        ("wearing", "Anna is wearing a blue coat.", "安娜穿着一件蓝色外套。"),
        ("wearing", "Anna is wearing a blue scarf.", "安娜戴着一条蓝色围巾。"),
        ("future", "She will visit the museum next week.", "她下周会参观博物馆。"),
        ("future", "She will visit her aunt next week.", "她下周会看望阿姨。"),
        ("future", "She will visit Paris next week.", "她下周会游览巴黎。"),
        ("please", "Please take this medicine twice every day.", "请每天吃两次这种药。"),
        # Numbers and measure words.
        ("price", "This hat costs twenty yuan.", "这顶帽子二十元。"),
        ("price", "That computer costs two thousand yuan.", "那台电脑两千元。"),
        ("exists", "There are two cats under the table.", "桌子下面有两只猫。"),
        ("clock_time", "I get up at half past seven every morning.", "我每天早上七点半起床。"),
        ("handled", "Tom broke the cup.", "汤姆把杯子打破了。"),
        ("handled", "Tom broke the phone.", "汤姆把手机弄坏了。"),
        (
            "superlative",
            "This is the longest film that I have ever seen.",
            "这是我看过的最长的电影。",
        ),
        ("superlative", "This is the biggest dog that I have ever seen.", "这是我见过的最大的狗。"),
        ("gives", "They asked me a question.", "他们问了我一个问题。"),
        ("asks", "She asked me to open the window.", "她让我把窗户打开。"),
        ("focus", "He only bought a hat yesterday.", "他昨天只买了一顶帽子。"),
        ("focus", "He also bought a hat yesterday.", "他昨天也买了一顶帽子。"),
        ("who_why_how", "What time do you get up every morning?", "你每天早上几点起床？"),
    ],
)
def test_literal_pairs(name, english, chinese):
    assert derives(name, english, chinese)


def test_a_pair_that_is_wrong_is_not_derivable():
    assert not derives("short", "We lost.", "我们丢了。")


# --- Guarantees of the grammar --------------------------------------------------------------------


def test_the_chinese_is_a_function_of_the_english(examples):
    chinese = {}
    for example in examples:
        assert chinese.setdefault(example.source, example.target) == example.target, example


def test_every_construction_appears(examples):
    counts = Counter(example.construction for example in examples)
    assert set(counts) == set(grammar.constructions)
    assert len(counts) >= 12
    assert min(counts.values()) >= 500


def test_words(examples):
    counts = Counter(
        word for example in examples for word in re.findall(r"\w+", example.source.lower())
    )
    assert len(counts) >= 300
    assert min(counts.values()) >= 30  # no word is rare


def test_sentences_are_well_formed(examples):
    for source, target, _ in examples:
        assert re.fullmatch(r"[A-Z][A-Za-z',]*( [A-Za-z',]+)*[.?]", source), source
        assert " ," not in source
        assert re.fullmatch(r"[\u4e00-\u9fff，]+[。？]", target), target
        assert (source[-1] == "?") == (target[-1] == "？")


def test_articles(examples):
    for source, _, _ in examples:
        for article, word in re.findall(r"\b([Aa]n?) (\w+)", source):
            if article.lower() == "an":
                assert word[0] in "aeiou" or word == "hour", source
            else:
                assert word[0] not in "aeiou" or word == "useful", source


def test_two_is_liang_before_measures_and_er_within_numbers(examples):
    for source, target, _ in examples:
        assert not re.search(
            "两十|二[个只本件条把辆张台部块顶封杯碗家栋朵棵份岁年百千点]", target
        ), target
        assert ("二" in target) == ("twenty" in source.lower()), source


def test_no_doubled_particles(examples):
    for _, target, _ in examples:
        assert not re.search("的的|了了|正正|都都|在在|。。|，，", target), target


# --- The modules ----------------------------------------------------------------------------------


def names_bound_in(function: ast.FunctionDef | ast.Lambda) -> set[str]:
    """Return the arguments and local variables of a function and of the functions inside it."""
    arguments = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    return arguments | {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


MODULES = sorted(Path(synthetic.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_variable_hides_a_function(path):
    """A local `when` next to a construction `when` is a trap for anyone who edits the module."""
    tree = ast.parse(path.read_text())
    hidden = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    hidden |= {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    if path.parent.name == "constructions":
        hidden |= set(grammar.constructions)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            name = getattr(function, "name", "a lambda")
            assert not names_bound_in(function) & hidden, f"{path.name}, {name}"


def test_every_family_is_in_the_grammar():
    folder = Path(synthetic.__file__).parent / "constructions"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {module.__name__.rpartition(".")[2] for module in FAMILIES} == modules
    assert all(module.family.constructions for module in FAMILIES)
