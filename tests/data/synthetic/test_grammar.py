"""The engine, with grammars of a few words."""

import pytest
from helpers import defaults

from tf_seq2seq.data.synthetic.grammar import Example, Family, Grammar, count_chinese, count_english
from tf_seq2seq.errors import InputError

drinks, questions = Family(), Family()


@drinks.construction(weight=1)
def drinking(choose):
    drink, drink_zh = choose((("tea", "茶"), ("milk", "牛奶"), ("coffee", "咖啡")))
    return f"  I drink  {drink} , too", f"我也喝{drink_zh}"


@questions.construction(weight=3, mark="?")
def asking(choose):
    drink, drink_zh = choose((("tea", "茶"), ("milk", "牛奶"), ("coffee", "咖啡")))
    return f"do you drink {drink}", f"你喝{drink_zh}吗"


def first(options):
    return options[0]


def test_a_sentence_is_capitalized_spaced_and_marked():
    grammar = Grammar([drinks, questions])
    assert grammar.write("drinking", first) == Example(
        "I drink tea, too.", "我也喝茶。", "drinking"
    )
    assert grammar.write("asking", first) == Example("Do you drink tea?", "你喝茶吗？", "asking")


def test_constructions_keep_the_order_of_their_families():
    assert list(Grammar([drinks, questions]).constructions) == ["drinking", "asking"]
    assert list(Grammar([questions, drinks]).constructions) == ["asking", "drinking"]


def test_every_pair_is_written_once_and_the_stream_ends():
    examples = list(Grammar([drinks, questions]).generate(seed=1, patience=200))
    assert len(examples) == len(set(examples)) == 6


@pytest.mark.parametrize("side", ["English", "Chinese"])
def test_no_two_examples_share_a_sentence_in_either_language(side):
    family = Family()

    @family.construction(weight=1)
    def drinking(choose):
        drink = choose(("tea", "milk"))
        return (
            (f"I drink {drink}", "我喝茶") if side == "Chinese" else ("I drink it", f"我喝{drink}")
        )

    assert len(list(Grammar([family]).generate(seed=1, patience=100))) == 1


def test_weights_are_relative_frequencies():
    family = Family()

    @family.construction(weight=1)
    def rare(choose):
        return f"rare {choose(range(10**6))}", f"少{choose(range(10**6))}"

    @family.construction(weight=3)
    def frequent(choose):
        return f"frequent {choose(range(10**6))}", f"多{choose(range(10**6))}"

    stream = Grammar([family]).generate(seed=1)
    names = [next(stream).construction for _ in range(2_000)]
    assert names.count("rare") == pytest.approx(500, abs=80)


@pytest.mark.parametrize(
    ("bounds", "lengths"),
    [((3, 40), [3, 4, 5]), ((4, 40), [4, 5]), ((3, 4), [3, 4]), ((4, 4), [4])],
)
def test_bounds_are_inclusive(bounds, lengths):
    family = Family()

    @family.construction(weight=1)
    def counting(choose):
        count = choose((1, 2, 3, 4))
        return " ".join(["word"] * count), "字" * count

    examples = Grammar([family], *bounds).generate(seed=1, patience=200)
    assert sorted(count_english(example.source) for example in examples) == lengths


def test_the_seed_decides():
    def examples(seed):
        return list(Grammar([drinks, questions]).generate(seed, patience=200))

    assert examples(3) == examples(3)
    assert examples(3) != examples(4)


def test_two_constructions_of_one_name_are_refused():
    with pytest.raises(InputError, match="two constructions named 'drinking'"):
        Grammar([drinks, questions, drinks])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Grammar([], shortest=0), "`shortest` must be an integer of at least 1, got 0"),
        (lambda: Grammar([], shortest=9, longest=8), "`longest` must be .* at least 9, got 8"),
        (
            lambda: Family().construction(weight=0),
            "`weight` must be a number greater than 0, got 0",
        ),
        (lambda: Family().construction(1, mark="!"), "`mark` must be '.' or '.', got '!'"),
        (lambda: next(Grammar([drinks]).generate(-1)), "`seed` must be .* at least 0, got -1"),
        (lambda: next(Grammar([drinks]).generate(1, 0)), "`patience` must be .* at least 1, got 0"),
    ],
)
def test_arguments_that_are_not_valid(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_counting_tokens():
    assert count_english("She doesn't know a well-known man, does she?") == 10
    assert count_chinese("她有100本书，TED。") == 8


def test_the_defaults():
    assert defaults(Grammar) == {"shortest": 3, "longest": 40}
