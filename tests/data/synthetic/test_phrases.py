"""Phrases that the constructions share."""

import random

import pytest

from tf_seq2seq.data.synthetic import phrases
from tf_seq2seq.data.synthetic.lexicon.actions import ACTIVITIES, BUY_VEGETABLES, CARE, REPAIR
from tf_seq2seq.data.synthetic.lexicon.kinds import NOTHING
from tf_seq2seq.data.synthetic.lexicon.people import NAMES, PRONOUNS, YOUNG
from tf_seq2seq.data.synthetic.lexicon.places import LIBRARY, MARKET
from tf_seq2seq.data.synthetic.lexicon.things import BOOKS, DRINKS, NEW, TABLES

READING = next(act for act in ACTIVITIES if act.object == "books")


@pytest.fixture
def choose():
    return random.Random(1).choice


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("book", "a book"),
        ("apple", "an apple"),
        ("old useful umbrella", "an old useful umbrella"),
        ("useful book", "a useful book"),
    ],
)
def test_the_indefinite_article(words, expected):
    assert phrases.with_article(words) == expected


def test_the_second_person_is_another(choose):
    for who in (*PRONOUNS, *NAMES, *YOUNG):
        for _ in range(50):
            whom = phrases.someone_else(choose, who)
            assert whom.en != who.en
            assert whom.pronoun is not who.pronoun


def test_workers_are_not_old(choose):
    assert not any(phrases.worker(choose).old for _ in range(500))


def test_excluded_qualities_are_gone():
    book = BOOKS[0]
    assert NEW in book.qualities
    assert NEW not in phrases.excluding(book, NEW).qualities
    assert phrases.without_qualities(book).qualities == ()


def test_amounts_have_a_measure_word_and_respect_the_maximum(choose):
    for _ in range(200):
        amount = phrases.amount(choose, BOOKS[0], most=2)
        assert amount.zh[:2] in ("一本", "两本")
        assert amount.en.split()[0] in ("a", "an", "two")
        # Nobody has more than two tables.
        assert phrases.amount(choose, TABLES[0]).zh[:2] in ("一张", "两张")


def test_cups_of_something_take_no_attribute(choose):
    tea = DRINKS[0]
    assert {phrases.described(choose, tea) for _ in range(50)} == {
        ("cup of tea", "cups of tea", "茶")
    }


def test_children_do_not_repair_things():
    child, adult = YOUNG[0], NAMES[0]
    assert REPAIR in [handling.verb for handling in phrases.suitable_handlings(adult, CARE)]
    assert REPAIR not in [handling.verb for handling in phrases.suitable_handlings(child, CARE)]


def test_shopping_sends_people_to_the_place():
    assert phrases.errand(BUY_VEGETABLES, MARKET)[1].zh == "去市场"
    assert phrases.errand(READING, LIBRARY)[1].zh == "在图书馆"


def test_the_progressive_has_one_zai():
    assert phrases.progressive(READING) == "正在看书"
    assert phrases.progressive(READING, NOTHING) == "正在看书"
    assert phrases.progressive(READING, LIBRARY) == "正在图书馆看书"
