"""Requests, prohibitions, and people who ask others to do something."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import CARE, DISTRACTIONS, DUTIES, REPAIR, WANT, WASH
from tf_seq2seq.data.synthetic.lexicon.kinds import NOTHING, Action, Phrase, phrases
from tf_seq2seq.data.synthetic.lexicon.people import FAMILY, FRIENDS, NAMES, PRONOUNS
from tf_seq2seq.data.synthetic.lexicon.places import (
    BUS,
    CINEMA,
    CLASSROOM,
    LIBRARY,
    MUSEUM,
    SPOTS,
    TRAIN,
)
from tf_seq2seq.data.synthetic.lexicon.things import (
    BEAUTIFUL,
    BOOKS,
    BULKY,
    CUPS,
    DEVICES,
    DRINKS,
    FRUIT,
    HATS,
    KEYS,
    OLD,
)
from tf_seq2seq.data.synthetic.lexicon.times import SOON
from tf_seq2seq.data.synthetic.phrases import (
    activity_for,
    amount,
    errand,
    helper,
    someone_else,
    suitable_handlings,
)

family = Family()


@family.construction(weight=8)
def please(choose: Choose) -> Clause:
    """Request something (请) or forbid it (不要).

    Please put the books on the table. / 请把书放在桌子上。
    """
    act, zh, kinds = choose(CARE)
    thing, item, spot = choose(kinds), choose(BOOKS + KEYS + HATS + DEVICES), choose(SPOTS)
    things_put = item.en if item.en in BULKY else item.plural
    later = phrases(("", ""), ("tomorrow morning", "明天上午"), ("this weekend", "这个周末"))
    before = phrases(("before you go to bed", "睡觉以前"), ("before you leave home", "出门以前"))
    first, first_zh = choose(
        later if act in (REPAIR, WASH) else before if zh == "关掉" else (NOTHING,)
    )
    place, place_zh = choose((LIBRARY, MUSEUM, CLASSROOM, TRAIN, BUS, CINEMA))
    loud, loud_zh = choose(
        phrases(
            ("sing", "唱歌"), ("dance", "跳舞"), ("play cards", "打牌"), ("take photos", "拍照片")
        )
    )
    (whom, whom_zh), soon = choose((("me", "我"), ("the doctor", "医生"))), choose(SOON)
    medicine, medicine_zh = choose(MEDICINE)
    gift = amount(choose, choose(FRUIT + DRINKS + CUPS), 3, never=(OLD, BEAUTIFUL))
    return choose(
        (
            (f"please {act.base} the {thing.en} {first}", f"{first_zh}请把{thing.zh}{zh}"),
            (f"please put the {things_put} {spot.en}", f"请把{item.zh}放在{spot.zh}"),
            (f"please do not put your {item.en} {spot.en}", f"请不要把你的{item.zh}放在{spot.zh}"),
            (f"please do not {loud} {place}", f"请不要{place_zh}{loud_zh}"),
            (f"please give me {gift.en}", f"请给我{gift.zh}"),
            # Taking a bus is 坐, taking a photo 拍, taking medicine 吃.
            (f"please {medicine}", f"请{medicine_zh}"),
            (f"please call {whom} {soon.en}", f"请{soon.zh}给{whom_zh}打电话"),
        )
    )


MEDICINE = phrases(
    *[
        (f"take this medicine {times} every day", f"每天吃{times_zh}这种药")
        for times, times_zh in (("twice", "两次"), ("three times", "三次"), ("four times", "四次"))
    ],
    ("take this medicine before you go to bed", "在睡觉以前吃这种药"),
    ("take this medicine after dinner", "在晚饭以后吃这种药"),
    ("take this medicine after lunch", "在午饭以后吃这种药"),
)


@family.construction(weight=7)
def asks(choose: Choose) -> Clause:
    """Ask someone to do something: 让.

    My mother asked me to cook dinner at home. / 我妈妈让我在家里做晚饭。
    """
    who = choose(choose((PRONOUNS, FAMILY, FRIENDS, NAMES)))
    whom = someone_else(choose, who, helper)
    do, dont = errand(*activity_for(choose, whom, DUTIES)), activity_for(choose, whom, DISTRACTIONS)
    act, zh, kinds = choose(suitable_handlings(whom, CARE))
    thing = choose(kinds)
    handle = Action(act, f"the {thing.en}", f"把{thing.zh}", zh), NOTHING
    medicine = choose(MEDICINE)
    if choose((True, *[False] * 7)):
        return f"the doctor asked {whom.me} to {medicine.en}", f"医生让{whom.zh}{medicine.zh}"
    (asks_to, asks_zh), (act, where) = choose(
        (
            (Phrase(f"asked {whom.me} to", f"让{whom.zh}"), choose((do, handle))),
            (Phrase(f"asked {whom.me} not to", f"让{whom.zh}不要"), dont),
            (Phrase(f"{who.present(WANT)} {whom.me} to", f"想让{whom.zh}"), choose((do, handle))),
        )
    )
    return f"{who.en} {asks_to} {act.base} {where.en}", f"{who.zh}{asks_zh}{where.zh}{act.zh}"
