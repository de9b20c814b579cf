"""Kinds of words, and functions that build words from a few forms.

Words are compared by identity, so words that are spelled alike, such as "hard" for a seat and for a
question, are different words.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple


class Phrase(NamedTuple):
    """A piece of a sentence in both languages."""

    en: str
    zh: str


def phrases(*pairs: tuple[str, str]) -> tuple[Phrase, ...]:
    """Create phrases from (English, Chinese) pairs."""
    return tuple(Phrase(*pair) for pair in pairs)


NOTHING = Phrase("", "")


@dataclasses.dataclass(frozen=True, eq=False)
class Pronoun:
    """A pronoun and the verb forms that agree with it.

    The English forms are named after those of the first person: for "she", `my` is "her" and `am`
    is "is".
    """

    en: str
    zh: str
    me: str
    my: str
    am: str
    was: str
    have: str
    do: str

    @property
    def plural(self) -> bool:
        """Whether this is "we" or "they"; "you" addresses one person."""
        return self.en in ("we", "they")

    @property
    def third_person_singular(self) -> bool:
        return self.have == "has"


@dataclasses.dataclass(frozen=True, eq=False)
class Person:
    """A person or group.

    Attributes:
        en, zh: how the person is first mentioned, such as "my mother" and "我妈妈".
        pronoun: how the person is mentioned again; verbs agree with it.
    """

    en: str
    zh: str
    pronoun: Pronoun

    @property
    def me(self) -> str:
        """The person as an object: "me", but "my mother"."""
        return self.pronoun.me if self.en == self.pronoun.en else self.en

    @property
    def my(self) -> str:
        return self.pronoun.my

    @property
    def am(self) -> str:
        return self.pronoun.am

    @property
    def was(self) -> str:
        return self.pronoun.was

    @property
    def have(self) -> str:
        return self.pronoun.have

    @property
    def do(self) -> str:
        return self.pronoun.do

    @property
    def plural(self) -> bool:
        return self.pronoun.plural

    @property
    def old(self) -> bool:
        return self.en.endswith(("grandmother", "grandfather", "old man"))

    def present(self, action: Verb | Action) -> str:
        """Conjugate `action` in the present tense."""
        return action.s if self.pronoun.third_person_singular else action.base


@dataclasses.dataclass(frozen=True, eq=False)
class Verb:
    """The forms of an English verb: "write", "writes", "wrote", "written", "writing"."""

    base: str
    s: str
    past: str
    done: str
    ing: str


def verb(base: str, past: str = "", done: str = "", ing: str = "") -> Verb:
    """Create a verb from its base form and its irregular forms.

    >>> verb("make", "made").ing
    'making'
    """
    stem = base.removesuffix("e")
    return Verb(
        base=base,
        s=plural_of(base),
        past=past or stem + "ed",
        done=done or past or stem + "ed",
        ing=ing or stem + "ing",
    )


def plural_of(word: str) -> str:
    """Form the regular plural of a noun, or the third person of a verb, which is spelled alike.

    >>> plural_of("watch"), plural_of("study"), plural_of("key")
    ('watches', 'studies', 'keys')
    """
    if word.endswith(("s", "sh", "ch", "x")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def phrasal(base: Verb, particle: str) -> Verb:
    """Create a phrasal verb.

    >>> phrasal(verb("turn"), "off").past
    'turned off'
    """
    return Verb(*(f"{form} {particle}" for form in dataclasses.astuple(base)))


@dataclasses.dataclass(frozen=True, eq=False)
class Action:
    """A verb with its object, and the places for it.

    Attributes:
        verb: the English verb.
        object: the English object with its preposition, such as "to music"; may be empty.
        zh_verb, zh_object: the two parts of the Chinese, which 了 and durations may separate.
        places: where people do it.
        counted: whether the object is a definite amount, as in "ate two apples". If so, 了 follows
            the Chinese verb (吃了两个苹果), otherwise the object (吃苹果了).
    """

    verb: Verb
    object: str
    zh_verb: str
    zh_object: str
    places: tuple[Phrase, ...] = (NOTHING,)
    counted: bool = False

    @property
    def base(self) -> str:
        return f"{self.verb.base} {self.object}"

    @property
    def s(self) -> str:
        return f"{self.verb.s} {self.object}"

    @property
    def past(self) -> str:
        return f"{self.verb.past} {self.object}"

    @property
    def done(self) -> str:
        return f"{self.verb.done} {self.object}"

    @property
    def ing(self) -> str:
        return f"{self.verb.ing} {self.object}"

    @property
    def zh(self) -> str:
        return self.zh_verb + self.zh_object

    @property
    def zh_past(self) -> str:
        if self.counted:
            return f"{self.zh_verb}了{self.zh_object}"
        return f"{self.zh}了"


@dataclasses.dataclass(frozen=True, eq=False)
class Quality:
    """An adjective.

    Attributes:
        en: the English adjective.
        zh_before: the Chinese before a noun, such as 昂贵的.
        zh: the Chinese as the predicate, such as 贵.
        more, most: the English comparative and superlative.
    """

    en: str
    zh_before: str
    zh: str
    more: str
    most: str


def quality(en: str, zh_before: str, zh: str = "", more: str = "", most: str = "") -> Quality:
    """Create an adjective; by default, the predicate is the form before a noun without its 的.

    >>> useful = quality("useful", "有用的")
    >>> useful.zh, useful.most
    ('有用', 'most useful')
    """
    return Quality(
        en,
        zh_before,
        zh or zh_before.removesuffix("的"),
        more or f"more {en}",
        most or f"most {en}",
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Thing:
    """A countable noun.

    Attributes:
        en, plural, zh: the noun.
        measure: its Chinese measure word.
        qualities: the adjectives that go with it.
        colors: the colors it comes in.
    """

    en: str
    plural: str
    zh: str
    measure: str
    qualities: tuple[Quality, ...] = ()
    colors: tuple[Phrase, ...] = ()


def things(
    *words: tuple[str, ...], qualities: tuple[Quality, ...] = (), colors: tuple[Phrase, ...] = ()
) -> tuple[Thing, ...]:
    """Create things that share their qualities and colors.

    Args:
        words: (English, Chinese, measure word), followed by the plural if it is irregular.
        qualities: the adjectives that go with them.
        colors: the colors they come in.
    """
    return tuple(
        Thing(en, irregular[0] if irregular else plural_of(en), zh, measure, qualities, colors)
        for en, zh, measure, *irregular in words
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Deed:
    """Something done to things, and where and when people do it.

    Attributes:
        verb, zh: the verb in both languages.
        things: the things.
        places: where it is done.
        times: when it was done.
        most: the maximum number of things.
        never: qualities that do not fit the deed.
        gone: whether the thing is gone afterward, so that it is described in the past tense.
    """

    verb: Verb
    zh: str
    things: tuple[Thing, ...]
    places: tuple[Phrase, ...]
    times: tuple[Phrase, ...]
    most: int = 5
    never: tuple[Quality, ...] = ()
    gone: bool = False


class Handling(NamedTuple):
    """A verb with a result, such as "broke" / 打破, and the things it happens to."""

    verb: Verb
    zh: str
    things: tuple[Thing, ...]
