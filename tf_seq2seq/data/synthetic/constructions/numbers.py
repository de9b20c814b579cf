"""Prices and dates."""

from __future__ import annotations

import dataclasses

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.kinds import Phrase, phrases
from tf_seq2seq.data.synthetic.lexicon.things import (
    BIG,
    BOOKS,
    DEVICES,
    DRESSES,
    HATS,
    NEW,
    SHIRTS,
    SMALL,
)
from tf_seq2seq.data.synthetic.lexicon.times import (
    AFTERNOON,
    DAYS,
    EVENING,
    MONTHS,
    MORNING,
    NUMBERS,
    TENS,
)
from tf_seq2seq.data.synthetic.phrases import described, named_person, time_of_day

family = Family()


@family.construction(weight=6)
def price(choose: Choose) -> Clause:
    """State a price: 2 is 二 in twenty (二十), but 两 in two hundred (两百).

    This red hat costs eighty yuan. / 这顶红色帽子八十元。
    """
    hundreds = tuple(Phrase(f"{n.en} hundred", f"{n.zh}百") for n in NUMBERS[:8])
    thousands = tuple(Phrase(f"{n.en} thousand", f"{n.zh}千") for n in NUMBERS[:8])
    kinds, prices = choose(
        ((BOOKS + HATS, TENS), (SHIRTS + DRESSES, hundreds), (DEVICES, hundreds + thousands))
    )
    thing, cost = choose(kinds), choose(prices)
    thing = dataclasses.replace(
        thing, qualities=tuple(q for q in thing.qualities if q in (NEW, BIG, SMALL))
    )
    one, _, zh = described(choose, thing)
    this, this_zh = choose((("this", "这"), ("that", "那")))
    more, more_zh = choose(TENS[:2] if prices is TENS else TENS)
    return choose(
        (
            (f"{this} {one} costs {cost.en} yuan", f"{this_zh}{thing.measure}{zh}{cost.zh}元"),
            (
                f"{this} {one} cost me {cost.en} yuan",
                f"{this_zh}{thing.measure}{zh}花了我{cost.zh}元",
            ),
            (
                f"this {one} is {more} yuan cheaper than that one",
                f"这{thing.measure}{zh}比那{thing.measure}便宜{more_zh}元",
            ),
        )
    )


@family.construction(weight=8)
def date(choose: Choose) -> Clause:
    """State a date or a time: from the month to the day, from the day to the hour.

    The concert begins at half past eight tonight. / 音乐会今晚八点半开始。
    """
    event, event_zh = choose(
        phrases(("concert", "音乐会"), ("meeting", "会议"), ("exam", "考试"), ("party", "晚会"))
    )
    month, month_zh = choose(MONTHS)
    day, day_zh = choose(DAYS)
    when, when_zh, hours = choose(
        (
            ("tonight", "今晚", EVENING),
            ("tomorrow evening", "明天晚上", EVENING),
            ("this Saturday evening", "这周六晚上", EVENING),
        )
        if event in ("concert", "party")
        else (
            ("tomorrow morning", "明天上午", MORNING[2:]),
            ("tomorrow afternoon", "明天下午", AFTERNOON),
            ("next Monday morning", "下周一上午", MORNING[2:]),
        )
    )
    time, who = time_of_day(choose, hours), named_person(choose)
    return choose(
        (
            (f"the {event} begins {time.en} {when}", f"{event_zh}{when_zh}{time.zh}开始"),
            (f"the {event} is on the {day} of {month}", f"{event_zh}在{month_zh}{day_zh}"),
            (
                f"{who.en} {who.was} born on the {day} of {month}",
                f"{who.zh}是{month_zh}{day_zh}出生的",
            ),
        )
    )
