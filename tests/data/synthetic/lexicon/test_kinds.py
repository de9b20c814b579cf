"""Forms of words."""

import dataclasses

import pytest

from tf_seq2seq.data.synthetic.lexicon.actions import EAT
from tf_seq2seq.data.synthetic.lexicon.deeds import DEEDS
from tf_seq2seq.data.synthetic.lexicon.kinds import (
    Action,
    Person,
    phrasal,
    phrases,
    plural_of,
    quality,
    things,
    verb,
)
from tf_seq2seq.data.synthetic.lexicon.people import HE, SHE, THEY, WE, YOU, I


@pytest.mark.parametrize(
    ("word", "plural"),
    [
        ("book", "books"),
        ("dress", "dresses"),
        ("watch", "watches"),
        ("wash", "washes"),
        ("box", "boxes"),
        ("family", "families"),
        ("key", "keys"),
    ],
)
def test_plurals(word, plural):
    assert plural_of(word) == plural


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        (("clean",), ("clean", "cleans", "cleaned", "cleaned", "cleaning")),
        (("like",), ("like", "likes", "liked", "liked", "liking")),
        (("make", "made"), ("make", "makes", "made", "made", "making")),
        (("write", "wrote", "written"), ("write", "writes", "wrote", "written", "writing")),
        (("get", "got", "", "getting"), ("get", "gets", "got", "got", "getting")),
    ],
)
def test_forms_of_verbs(forms, expected):
    word = verb(*forms)
    assert (word.base, word.s, word.past, word.done, word.ing) == expected


def test_phrasal_verbs():
    off = phrasal(verb("turn"), "off")
    assert (off.base, off.s, off.ing) == ("turn off", "turns off", "turning off")


def test_forms_of_actions():
    eating = Action(EAT, "apples", "吃", "苹果")
    assert (eating.base, eating.s, eating.past) == ("eat apples", "eats apples", "ate apples")
    assert (eating.done, eating.ing, eating.zh) == ("eaten apples", "eating apples", "吃苹果")
    assert eating.zh_past == "吃苹果了"
    assert Action(EAT, "two apples", "吃", "两个苹果", counted=True).zh_past == "吃了两个苹果"


@pytest.mark.parametrize(
    ("pronoun", "present", "plural"),
    [
        (I, "eat", False),
        (YOU, "eat", False),
        (HE, "eats", False),
        (SHE, "eats", False),
        (WE, "eat", True),
        (THEY, "eat", True),
    ],
)
def test_agreement(pronoun, present, plural):
    person = Person(pronoun.en, pronoun.zh, pronoun)
    assert person.present(EAT) == present
    assert person.plural == plural
    assert (person.me, person.my) == (pronoun.me, pronoun.my)
    assert (person.am, person.was) == (pronoun.am, pronoun.was)
    assert (person.have, person.do) == (pronoun.have, pronoun.do)


def test_people_who_are_not_pronouns():
    grandmother = Person("my grandmother", "我奶奶", SHE)
    assert (grandmother.me, grandmother.my) == ("my grandmother", "her")
    assert grandmother.old and not Person("my mother", "我妈妈", SHE).old


def test_qualities():
    expensive = quality("expensive", "昂贵的", "贵")
    assert (expensive.zh_before, expensive.zh) == ("昂贵的", "贵")
    assert (expensive.more, expensive.most) == ("more expensive", "most expensive")
    assert quality("big", "大", more="bigger").more == "bigger"
    assert quality("useful", "有用的").zh == "有用"


def test_things():
    red = phrases(("red", "红色"))
    hat, scarf = things(("hat", "帽子", "顶"), ("scarf", "围巾", "条", "scarves"), colors=red)
    assert (hat.plural, hat.measure, scarf.plural) == ("hats", "顶", "scarves")
    assert hat.colors == scarf.colors == red


def test_entries_cannot_be_changed():
    """All sentences share them."""
    for entry in (EAT, HE, quality("new", "新"), DEEDS[0], DEEDS[0].things[0]):
        for field in dataclasses.fields(entry):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(entry, field.name, "x")
