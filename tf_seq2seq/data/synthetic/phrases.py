"""Phrases that the constructions share: people, amounts of things, activities, times.

Like constructions, these functions pick words with `choose`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from tf_seq2seq.data.synthetic.grammar import Choose
from tf_seq2seq.data.synthetic.lexicon.actions import (
    ACTIVITIES,
    BORROW,
    BUY,
    COOK,
    FIND,
    GOING,
    GROWN_UP,
    LOSE,
    REPAIR,
    SELL,
    STRENUOUS,
    TOGETHER,
    VISIT,
)
from tf_seq2seq.data.synthetic.lexicon.deeds import DEEDS, PLANNED
from tf_seq2seq.data.synthetic.lexicon.kinds import (
    NOTHING,
    Action,
    Deed,
    Handling,
    Person,
    Phrase,
    Quality,
    Thing,
    phrases,
)
from tf_seq2seq.data.synthetic.lexicon.people import (
    FAMILY,
    FRIENDS,
    HE,
    NAMES,
    PRONOUNS,
    SHE,
    STRANGERS,
    WE,
    YOU,
    YOUNG,
    YOUR_FAMILY,
    YOUR_FRIENDS,
    I,
)
from tf_seq2seq.data.synthetic.lexicon.places import OUTSIDE, PUBLIC
from tf_seq2seq.data.synthetic.lexicon.things import (
    ALWAYS_SINGULAR,
    ATTRIBUTES,
    BULKY,
    FAULTS,
    NEW,
    PLENTIFUL,
)
from tf_seq2seq.data.synthetic.lexicon.times import DAYTIME, NUMBERS, RECENT_DAYS, RECENTLY

ONE = Phrase("a", "一")
DEGREES = phrases(
    ("very {}", "很{}"), ("very {}", "很{}"), ("extremely {}", "非常{}"), ("not very {}", "不太{}")
)
COMPLAINTS = DEGREES[:3] + phrases(("too {}", "太{}了"), ("a little {}", "有点儿{}"))


def someone(choose: Choose) -> Person:
    """Choose the subject of a statement."""
    return choose(choose((PRONOUNS, PRONOUNS, FAMILY, FAMILY, FRIENDS, NAMES, STRANGERS, YOUNG)))


def adult(choose: Choose) -> Person:
    """Choose the subject of a statement about an adult."""
    return choose(choose((PRONOUNS, PRONOUNS, FAMILY, FAMILY, FRIENDS, NAMES, STRANGERS)))


def named_person(choose: Choose) -> Person:
    """Choose one person, by name or role."""
    return choose([who for who in choose((FAMILY, FRIENDS, NAMES, YOUNG)) if not who.plural])


def question_subject(choose: Choose) -> Person:
    """Choose the subject of a question."""
    you = Person("you", "你", YOU)
    return choose(choose(((you,), (you,), PRONOUNS[1:3], YOUR_FAMILY, YOUR_FRIENDS, NAMES)))


def worker(choose: Choose, kind: Callable[[Choose], Person] = adult) -> Person:
    """Choose someone with `kind` who is young enough to work."""
    while (who := kind(choose)).old:
        pass
    return who


def helper(choose: Choose) -> Person:
    """Choose someone who can be asked to do something."""
    return worker(
        choose, lambda choose: choose((named_person(choose), choose(PRONOUNS), choose(PRONOUNS)))
    )


def someone_else(
    choose: Choose, than: Person, kind: Callable[[Choose], Person] = someone
) -> Person:
    """Choose a second person who cannot be confused with the first, even if named by a pronoun."""
    while True:
        who = kind(choose)
        same = (
            who.en == than.en
            or who.pronoun is than.pronoun
            or {who.pronoun, than.pronoun} <= {I, WE}
        )
        # After "my friend", "she" would be understood as that friend.
        if not same and not (who in PRONOUNS and who.pronoun in (HE, SHE) and than not in PRONOUNS):
            return who


def with_article(words: str) -> str:
    """Put the indefinite article before the words.

    >>> with_article("old useful umbrella"), with_article("useful book")
    ('an old useful umbrella', 'a useful book')
    """
    sounds_like_a_vowel = words[0] in "aeiou" and not words.startswith("useful")
    return f"{'an' if sounds_like_a_vowel else 'a'} {words}"


def described(choose: Choose, thing: Thing) -> tuple[str, str, str]:
    """Return a thing in the singular, in the plural and in Chinese, possibly with an attribute."""
    attributes = [Phrase(q.en, q.zh_before) for q in thing.qualities if q in ATTRIBUTES]
    # Cups and bowls of something take no attribute: "a new cup of tea" would be odd.
    if " " in thing.en:
        attributes = []
    kinds = [(NOTHING,), attributes, thing.colors]
    en, zh = choose(choose([kind for kind in kinds if kind]))
    return f"{en} {thing.en}".strip(), f"{en} {thing.plural}".strip(), zh + thing.zh


def excluding(thing: Thing, *never: Quality) -> Thing:
    """Return the thing without the qualities `never`, which do not fit the context."""
    return dataclasses.replace(thing, qualities=tuple(q for q in thing.qualities if q not in never))


def without_qualities(thing: Thing) -> Thing:
    """Return the thing without its qualities, so that it can only take a color."""
    return dataclasses.replace(thing, qualities=())


def amount(choose: Choose, thing: Thing, most: int = 10, never: tuple[Quality, ...] = ()) -> Phrase:
    """Choose an amount of things: "a new car" / 一辆新汽车, "two red hats" / 两顶红色帽子.

    Args:
        most: the maximum number.
        never: qualities that do not fit the context.

    Returns:
        The amount in both languages.
    """
    one, many, zh = described(choose, excluding(thing, *never))
    # Nine fish in a river are plausible; nine beds in a room are not.
    most = min(most, 2 if thing.en in BULKY else 10 if thing.en in PLENTIFUL else 5)
    number, zh_number = choose((ONE, ONE, choose(NUMBERS[: most - 1]) if most > 1 else ONE))
    en = with_article(one) if number == "a" else f"{number} {many}"
    return Phrase(en, f"{zh_number}{thing.measure}{zh}")


def demonstrative(choose: Choose, thing: Thing) -> tuple[str, str, str, str]:
    """Point at things: "this book" / 这本书, "those cars" / 那些汽车.

    Returns:
        The English and the Chinese, then the matching "is" and "was".
    """
    one, many, zh = described(choose, thing)
    return choose(
        (
            (f"this {one}", f"这{thing.measure}{zh}", "is", "was"),
            (f"that {one}", f"那{thing.measure}{zh}", "is", "was"),
            (f"these {many}", f"这些{zh}", "are", "were"),
            (f"those {many}", f"那些{zh}", "are", "were"),
        )
    )


def predicate(choose: Choose, thing: Thing) -> Phrase:
    """Say what a thing is like: "very interesting" / 很有趣, "too heavy" / 太重了."""
    like = choose(thing.qualities)
    faulty = like in FAULTS and thing.en not in PLENTIFUL
    # 有点儿 and 太 are critical and cannot be used for praise. "Extremely new" would be odd.
    degree = choose(COMPLAINTS if faulty else DEGREES[1::2] if like is NEW else DEGREES)
    return Phrase(degree.en.format(like.en), degree.zh.format(like.zh))


def deed_with(choose: Choose, deeds: Sequence[Deed] = DEEDS) -> tuple[Deed, Action]:
    """Choose a deed and an amount of things for it: "bought two red hats" / 买了两顶红色帽子."""
    deed = choose(deeds)
    en, zh = amount(choose, choose(deed.things), deed.most, deed.never)
    return deed, Action(deed.verb, en, deed.zh, zh, deed.places, counted=True)


def suitable_activities(who: Person, acts: Sequence[Action] = ACTIVITIES) -> list[Action]:
    """Select activities that are appropriate for a person's age."""
    unfit = STRENUOUS if who.old else GROWN_UP if who in YOUNG else ()
    return [act for act in acts if act not in unfit]


def suitable_handlings(who: Person, handlings: Sequence[Handling]) -> list[Handling]:
    """Select handlings that are appropriate for a person's age: no repairs or sales by children."""
    return [act for act in handlings if who not in YOUNG or act.verb not in (REPAIR, SELL)]


def activity_for(
    choose: Choose, who: Person, acts: Sequence[Action] = ACTIVITIES
) -> tuple[Action, Phrase]:
    """Choose an activity that is appropriate for a person, and a place for it."""
    act = choose(suitable_activities(who, acts))
    return act, choose(act.places)


def errand(act: Action, where: Phrase) -> tuple[Action, Phrase]:
    """Send the person to the place if the action is shopping: 去市场买菜, not 在市场买菜."""
    return act, Phrase(where.en, where.zh.replace("在", "去")) if act.verb is BUY else where


def past_time(choose: Choose, act: Action, where: Phrase) -> Phrase:
    """Choose a past time: never a morning for cooking dinner, or a night for being outdoors."""
    if act.verb is COOK:
        return choose((RECENTLY[3], *RECENT_DAYS))
    return choose(DAYTIME if where in OUTSIDE else RECENTLY)


def company(choose: Choose, who: Person, act: Action) -> Phrase:
    """Optionally add "with his friends" / 和朋友一起 if the activity is for several people."""
    if act not in TOGETHER or who.zh.endswith("朋友"):
        return NOTHING
    return choose((NOTHING, Phrase(f"with {who.my} friends", "和朋友一起")))


def time_of_day(choose: Choose, hours: tuple[Phrase, ...]) -> Phrase:
    """Choose a time of day: "at half past seven" / 七点半."""
    hour = choose(hours)
    return choose(
        (
            Phrase(f"at {hour.en} o'clock", f"{hour.zh}点"),
            Phrase(f"at half past {hour.en}", f"{hour.zh}点半"),
            Phrase(f"at a quarter past {hour.en}", f"{hour.zh}点一刻"),
        )
    )


def thing_that(
    choose: Choose, deeds: Sequence[Deed] = DEEDS, apart: Sequence[Person] = ()
) -> tuple[Phrase, Thing, str]:
    """Identify things with a relative clause: "the book that I bought yesterday" / 我昨天买的书.

    The clause follows the noun in English and precedes it in Chinese, linked by 的.

    Args:
        deeds: the deeds to choose from.
        apart: people who were mentioned before and must not be mentioned again by the same noun.

    Returns:
        The noun with its clause, the thing, and the matching "is", "are", "was" or "were".
    """
    deed = choose([deed for deed in deeds if deed.things[0].qualities])
    thing = choose([thing for thing in deed.things if thing.qualities])
    # If someone has just bought a thing, it would be redundant to call it new.
    news = () if deed.verb in (LOSE, FIND, BORROW, REPAIR) else (NEW,)
    thing = excluding(thing, *deed.never, *news)
    when, where = choose(deed.times), choose(deed.places)
    # A second "my friend" would be ambiguous: it could be the same friend or another one.
    while (who := adult(choose)) not in PRONOUNS and who.en in [person.en for person in apart]:
        pass
    numbers = ((thing.en, ("is", "was")), (thing.plural, ("are", "were")))
    noun, verbs = choose(numbers[:1] if deed.most == 1 or thing.en in ALWAYS_SINGULAR else numbers)
    return (
        Phrase(
            f"the {noun} that {who.en} {deed.verb.past} {where.en} {when.en}",
            f"{who.zh}{when.zh}{where.zh}{deed.zh}的{thing.zh}",
        ),
        thing,
        verbs[deed.gone],
    )


def person_who(choose: Choose) -> Phrase:
    """Identify a person by what they are doing: "the girl who is singing" / 正在唱歌的女孩."""
    person = choose(
        phrases(
            ("girl", "女孩"),
            ("boy", "男孩"),
            ("woman", "女人"),
            ("man", "男人"),
            ("student", "学生"),
        )
    )
    act = choose([act for act in ACTIVITIES if act not in GROWN_UP and set(act.places) & PUBLIC])
    where = choose([place for place in act.places if place in PUBLIC])
    return Phrase(
        f"the {person.en} who is {act.ing} {where.en}", f"{progressive(act, where)}的{person.zh}"
    )


def progressive(act: Action, where: Phrase = NOTHING) -> str:
    """Return the progressive, with a single 在 for aspect and place: 正在看书, 正在图书馆看书."""
    return f"正{where.zh or '在'}{act.zh}"


def visit_family(choose: Choose, who: Person) -> Action:
    """Choose a relative to visit: 看望 (for a museum it would be 参观, for a city 游览)."""
    kin = choose(phrases(("uncle", "叔叔"), ("aunt", "阿姨"), ("grandmother", "奶奶")))
    return Action(VISIT, f"{who.my} {kin.en}", "看望", kin.zh)


def plan(choose: Choose, who: Person) -> Action:
    """Choose something that a person may plan to do."""
    _, act = deed_with(choose, PLANNED)
    going = choose(GOING)
    # Old people have no grandmother to visit.
    family = visit_family(choose, who) if who not in FAMILY and not who.old else going
    return choose((family, family, going, act))
