"""Verbs with two objects (给), disposal (把) and the passive (被)."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import BUY, GIVE, HANDLINGS, LEND, MISHAPS, SEND
from tf_seq2seq.data.synthetic.lexicon.kinds import NOTHING, phrases
from tf_seq2seq.data.synthetic.lexicon.people import HE, SHE, I
from tf_seq2seq.data.synthetic.lexicon.places import SPOTS
from tf_seq2seq.data.synthetic.lexicon.things import (
    BAGS,
    BIG,
    BOOKS,
    BULKY,
    CARS,
    CHEAP,
    DEVICES,
    FLOWERS,
    GIFTS,
    HATS,
    KEYS,
    LETTERS,
    OLD,
    PETS,
    PRICES,
    QUESTIONS,
    SHIRTS,
    SMALL,
)
from tf_seq2seq.data.synthetic.lexicon.times import ONCE, RECENTLY
from tf_seq2seq.data.synthetic.phrases import (
    adult,
    amount,
    someone,
    someone_else,
    suitable_handlings,
)

family = Family()


@family.construction(weight=4)
def gives(choose: Choose) -> Clause:
    """Give someone something: 给 and the receiver precede the thing.

    My grandmother gave me a red scarf. / 我奶奶给了我一条红色围巾。
    """
    who = adult(choose)
    to, when = someone_else(choose, who), choose((NOTHING, choose(ONCE)))
    thing = choose(
        BOOKS + HATS + SHIRTS + BAGS + GIFTS + DEVICES + 4 * FLOWERS + 2 * PETS[:2] + 6 * QUESTIONS
    )
    what = amount(
        choose,
        thing,
        1 if thing in PETS or thing.en in BULKY else 10,
        never=(OLD, CHEAP, BIG, SMALL),
    )
    gave, gave_zh = choose(
        phrases(
            (GIVE.past, "给了{}"),
            (SEND.past, "给{}寄了"),
            (BUY.past, "给{}买了"),
            (LEND.past, "借给了{}"),
            ("brought", "给{}带了"),
        )
    )
    if gave in (LEND.past, SEND.past) and thing not in QUESTIONS:
        what = amount(choose, choose(BOOKS), never=PRICES)
    if thing in QUESTIONS:
        gave, gave_zh = "asked", "问了{}"
    return (
        f"{who.en} {gave} {to.me} {what.en} {when.en}",
        f"{who.zh}{when.zh}{gave_zh.format(to.zh)}{what.zh}",
    )


@family.construction(weight=3)
def put(choose: Choose) -> Clause:
    """Put a thing somewhere: 把 with a place.

    Peter put the keys on the table. / 彼得把钥匙放在桌子上了。
    """
    who, when = someone(choose), choose((NOTHING, choose(RECENTLY)))
    spot, thing = choose(SPOTS), choose(KEYS + BOOKS + DEVICES + HATS + LETTERS)
    noun = choose((thing.en, thing.plural)) if thing.en not in BULKY else thing.en
    the, the_zh = choose((("the", ""), ("the", ""), (who.my, f"{who.pronoun.zh}的")))
    return (
        f"{who.en} put {the} {noun} {spot.en} {when.en}",
        f"{who.zh}{when.zh}把{the_zh}{thing.zh}放在{spot.zh}了",
    )


@family.construction(weight=4)
def handled(choose: Choose) -> Clause:
    """Handle a thing: 把 with a result. This "light" is a lamp (灯).

    My mother turned off the light last night. / 我妈妈昨晚把灯关掉了。
    """
    who, when = someone(choose), choose((NOTHING, choose(RECENTLY)))
    act, zh, kinds = choose(suitable_handlings(who, HANDLINGS))
    thing = choose(kinds)
    return (f"{who.en} {act.past} the {thing.en} {when.en}", f"{who.zh}{when.zh}把{thing.zh}{zh}了")


@family.construction(weight=3)
def passive(choose: Choose) -> Clause:
    """Use the passive 被, which is mainly for mishaps.

    The cup was broken by my younger brother. / 杯子被我弟弟打破了。
    """
    who, owner, when = someone(choose), choose((I, HE, SHE)), choose((NOTHING, choose(RECENTLY)))
    act, zh, kinds = choose(MISHAPS)
    thing = choose(kinds)
    stolen = choose(BAGS + DEVICES + CARS)
    return choose(
        (
            (
                f"the {thing.en} was {act.done} by {who.me} {when.en}",
                f"{thing.zh}{when.zh}被{who.zh}{zh}了",
            ),
            (
                f"{owner.my} {stolen.en} was stolen {when.en}",
                f"{owner.zh}的{stolen.zh}{when.zh}被偷了",
            ),
        )
    )
