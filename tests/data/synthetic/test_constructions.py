"""The synthetic grammar: its guarantees, and literal sentence pairs for every construction."""

import functools
import random
import re
from collections import Counter

import pytest

from tf_seq2seq.data.synthetic import constructions
from tf_seq2seq.data.synthetic.constructions import grammar
from tf_seq2seq.data.synthetic.corpus import generate, synthetic_corpus, synthetic_text
from tf_seq2seq.data.synthetic.grammar import Example, Grammar, count_chinese, count_english
from tf_seq2seq.errors import InputError


@pytest.fixture(scope="module")
def sample() -> list[Example]:
    """80,000 examples, drawn without regard to what was drawn before."""
    rng = random.Random(7)
    names, weights = list(grammar.weights), list(grammar.weights.values())
    return [grammar.write(name, rng.choice) for name in rng.choices(names, weights, k=80_000)]


# --- Literal pairs --------------------------------------------------------------------------------


def spoken(option) -> list[str]:
    """The English by which an option of `choose` can be recognised in a sentence."""
    match option:
        case str():
            return [option]
        case constructions.Person():
            return [option.en]
        case constructions.Thing():
            return [option.en, option.plural]
        case constructions.Quality():
            return [option.en, option.more, option.most]
        case constructions.Phrase():
            return [option.en]
        case constructions.Verb():
            return [option.base, option.s, option.past, option.done, option.ing]
        case constructions.Action():
            return [f"{verb} {option.object}".strip() for verb in spoken(option.verb)]
        case constructions.Deed():
            return spoken(option.verb)
        case tuple() | list():
            return [text for item in option for text in spoken(item)]
    return []


def derives(name: str, english: str, chinese: str) -> bool:
    """Whether a construction can write a pair.

    Tries at random, but prefers words that the sentence holds.
    """
    rng = random.Random(0)
    sentence = plain(english)

    def choose(options):
        likely = [
            option
            for option in options
            if not (texts := spoken(option)) or any(plain(text) in sentence for text in texts)
        ]
        # At times anything goes: the sentence may name one person where two must be chosen.
        return rng.choice(likely if likely and rng.random() < 0.95 else options)

    return any(
        (example := grammar.write(name, choose)).source == english and example.target == chinese
        for _ in range(3_000)
    )


@functools.cache
def plain(text: str) -> str:
    """The words alone, in lower case, with a space at either end."""
    return f" {' '.join(re.findall('[a-z]+', text.lower()))} "


def example_of(construction) -> tuple[str, str]:
    """The pair at the end of a construction's docstring."""
    paragraph = " ".join(construction.__doc__.split("\n\n")[-1].split())
    english, chinese = paragraph.split(" / ")
    return english, chinese


def test_the_demo_pair_is_derivable():
    assert derives(
        "relative_subject",
        "The book that I bought yesterday is very interesting.",
        "我昨天买的书很有趣。",
    )


@pytest.mark.parametrize("name", grammar.constructions)
def test_a_construction_writes_the_pair_of_its_docstring(name):
    assert derives(name, *example_of(grammar.constructions[name]))


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        # One English word, several Chinese ones: its neighbours decide.
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


def test_the_chinese_is_a_function_of_the_english(sample):
    chinese = {}
    for example in sample:
        assert chinese.setdefault(example.source, example.target) == example.target, example


def test_every_construction_appears(sample):
    counts = Counter(example.construction for example in sample)
    assert set(counts) == set(grammar.constructions)
    assert len(counts) >= 12
    assert min(counts.values()) >= 500


def test_words(sample):
    counts = Counter(
        word for example in sample for word in re.findall(r"\w+", example.source.lower())
    )
    assert len(counts) >= 300
    assert min(counts.values()) >= 30  # no word is a rarity


def test_sentences_are_well_formed(sample):
    for source, target, _ in sample:
        assert re.fullmatch(r"[A-Z][A-Za-z',]*( [A-Za-z',]+)*[.?]", source), source
        assert " ," not in source
        assert re.fullmatch(r"[\u4e00-\u9fff，]+[。？]", target), target
        assert (source[-1] == "?") == (target[-1] == "？")


def test_articles(sample):
    for source, _, _ in sample:
        for article, word in re.findall(r"\b([Aa]n?) (\w+)", source):
            if article.lower() == "an":
                assert word[0] in "aeiou" or word == "hour", source
            else:
                assert word[0] not in "aeiou" or word == "useful", source


def test_two_is_liang_before_measures_and_er_within_numbers(sample):
    for source, target, _ in sample:
        assert not re.search(
            "两十|二[个只本件条把辆张台部块顶封杯碗家栋朵棵份岁年百千点]", target
        ), target
        assert ("二" in target) == ("twenty" in source.lower()), source


def test_no_doubled_particles(sample):
    for _, target, _ in sample:
        assert not re.search("的的|了了|正正|都都|在在|。。|，，", target), target


def test_an_english_word_with_a_vowel_takes_an():
    assert constructions.a("old useful umbrella") == "an old useful umbrella"
    assert constructions.a("useful book") == "a useful book"


def test_two_hundred_thousand_distinct_pairs_are_reachable():
    # Not counted but written: distinct on the English side and on the Chinese side.
    assert sum(1 for _, _ in zip(range(200_000), generate(1), strict=False)) == 200_000


# --- The corpus -----------------------------------------------------------------------------------


def test_sizes_determinism_and_disjointness():
    corpus = synthetic_corpus(seed=5, train=5_000, dev=300, test=200)
    assert [len(part) for part in corpus] == [5_000, 300, 200]
    for side in ("source", "target"):
        sentences = [sentence for part in corpus for sentence in getattr(part, side)]
        assert len(set(sentences)) == len(sentences)
    assert synthetic_corpus(seed=5, train=5_000, dev=300, test=200) == corpus
    assert synthetic_corpus(seed=6, train=5_000, dev=300, test=200) != corpus


def test_more_training_pairs_keep_dev_and_test():
    small = synthetic_corpus(train=100, dev=50, test=50)
    large = synthetic_corpus(train=900, dev=50, test=50)
    assert (small.dev, small.test) == (large.dev, large.test)
    assert large.train[:100] == small.train


def test_lengths():
    train = synthetic_corpus(train=20_000, dev=0, test=0).train
    english = sorted(map(count_english, train.source))
    chinese = sorted(map(count_chinese, train.target))
    assert english[0] == 3 and chinese[0] >= 3
    assert english[-1] <= 40 and chinese[-1] <= 40
    assert 8 <= english[len(english) // 2] <= 14
    assert english[int(0.99 * len(english))] >= 25


@pytest.mark.parametrize(("seed", "times"), [(1, 30), (2, 25)])
def test_no_word_is_a_rarity_in_training(seed, times):
    train = synthetic_corpus(seed=seed, train=20_000).train
    counts = Counter(word for source in train.source for word in re.findall(r"\w+", source.lower()))
    assert not {word: count for word, count in counts.items() if count < times}


@pytest.mark.parametrize("part", ["train", "dev", "test"])
def test_impossible_sizes(part):
    with pytest.raises(InputError, match=f"`{part}` to be a number of pairs.*got -1"):
        synthetic_corpus(**{part: -1})


def test_more_than_a_grammar_yields():
    tiny = Grammar()

    @tiny.construction(weight=1)
    def drinking(choose):
        return f"I drink  {choose(('tea', 'milk'))}", "我喝茶"

    # The second pair would repeat the Chinese of the first.
    assert len(list(tiny.generate(seed=1, patience=100))) == 1


def test_text_is_the_english_in_the_form_of_the_penn_treebank():
    text = synthetic_text()
    assert [len(part) for part in text] == [5_000, 500, 500]
    lines = [line for part in text for line in part]
    assert all(re.fullmatch(r"[a-z']+( [a-z']+)+", line) for line in lines)
    assert len(set(lines)) == len(lines)
    assert 40_000 < sum(len(line.split()) for line in text.train) < 60_000
    english = synthetic_corpus(train=5_000).train.source
    for line, sentence in zip(text.train, english, strict=True):
        assert plain(line) == plain(sentence)


def test_text_has_no_word_outside_the_training_part_and_follows_the_seed():
    text = synthetic_text()
    known, held_out = (
        {w for line in part for w in line.split()} for part in (text[0], sum(text[1:], ()))
    )
    assert held_out <= known
    assert synthetic_text() == text
    assert synthetic_text(seed=2) != text
