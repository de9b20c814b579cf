"""Time clauses: when, before, after, as soon as."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import (
    ACTIVITIES,
    CHORES,
    DRAW,
    DRINK,
    GO,
    HAVE,
    LEAVE,
    LEISURE,
    LISTEN,
    READ,
    SING,
)
from tf_seq2seq.data.synthetic.lexicon.kinds import NOTHING, Phrase, phrases
from tf_seq2seq.data.synthetic.lexicon.people import PUPILS, YOUNG
from tf_seq2seq.data.synthetic.lexicon.places import (
    CLASSROOM,
    GARDEN,
    HOME,
    KITCHEN,
    LIBRARY,
    LIVING_ROOM,
    PARK,
    STATION,
)
from tf_seq2seq.data.synthetic.lexicon.times import BRIEF_DURATIONS, LAST_NIGHT, OFTEN, RECENT_DAYS
from tf_seq2seq.data.synthetic.phrases import (
    progressive,
    someone,
    someone_else,
    suitable_activities,
)

family = Family()


@family.construction(weight=5)
def when_clause(choose: Choose) -> Clause:
    """Say when: 的时候 ends its clause.

    When I got home, my mother was cooking dinner in the kitchen. /
    我到家的时候，我妈妈正在厨房做晚饭。
    """
    who = someone(choose)
    whom = someone_else(choose, who)
    (arrived, arrived_zh), there = choose(ARRIVALS)
    act, where = choose(
        [
            (option, place)
            for option in suitable_activities(whom, ACTIVITIES + CHORES)
            for place in option.places
            if place in there
        ]
    )
    # Don't name the place again where the first clause has named it.
    there = where if where in (KITCHEN, LIVING_ROOM, GARDEN) else NOTHING
    mood, mood_zh = choose(phrases(("tired", "累"), ("sad", "难过"), ("happy", "高兴")))
    calm = choose(
        [act for act in suitable_activities(who) if act.verb in (LISTEN, READ, DRAW, DRINK, SING)]
    )
    fun = choose(suitable_activities(who, LEISURE))
    return choose(
        (
            (
                f"when {who.en} {arrived}, {whom.en} {whom.was} {act.ing} {there.en}",
                f"{who.zh}{arrived_zh}的时候，{whom.zh}{progressive(act, there)}",
            ),
            (
                f"{whom.en} {whom.was} {act.ing} {where.en} when {who.en} called",
                f"{who.zh}打电话来的时候，{whom.zh}{progressive(act, where)}",
            ),
            (
                f"when {who.en} {who.am} {mood}, {who.pronoun.en} often {who.present(calm)}",
                f"{who.zh}{mood_zh}的时候经常{calm.zh}",
            ),
            (
                f"when {who.en} {who.am} busy, {who.pronoun.en} {who.do} not {fun.base}",
                f"{who.zh}忙的时候不{fun.zh}",
            ),
        )
    )


ARRIVALS = (
    (Phrase("got home", "到家"), (HOME, KITCHEN, LIVING_ROOM, GARDEN)),
    (Phrase("arrived at the park", "到公园"), (PARK,)),
    (Phrase("came into the library", "走进图书馆"), (LIBRARY,)),
    (Phrase("came into the classroom", "走进教室"), (CLASSROOM,)),
    (Phrase("arrived at the station", "到车站"), (STATION,)),
)


@family.construction(weight=4)
def before_after(choose: Choose) -> Clause:
    """Say before (以前) and after (以后) what: the clause ends with them and comes first.

    I usually listen to music before I go to bed. / 我睡觉以前通常听音乐。
    """
    who, (often, often_zh) = someone(choose), choose(OFTEN[:3])
    he = who.pronoun
    homework = phrases((f"finished {he.my} homework", "做完作业"), ("finished the exam", "考完试"))
    before, before_zh = choose(
        phrases(
            (f"{he.en} {who.present(GO)} to bed", "睡觉"),
            (f"{he.en} {who.present(HAVE)} dinner", "吃晚饭"),
            (f"{he.en} {who.present(LEAVE)} home", "出门"),
        )
    )
    calm = choose([act for act in suitable_activities(who) if HOME in act.places])
    after, after_zh = choose(
        phrases(
            *(homework if who in PUPILS else ()),
            ("had dinner", "吃完晚饭"),
            ("cleaned the room", "打扫完房间"),
            ("washed the clothes", "洗完衣服"),
            *([("cooked dinner", "做完晚饭")] if who not in YOUNG else []),
        )
    )
    late, time = choose((*RECENT_DAYS, LAST_NIGHT)), choose(BRIEF_DURATIONS)
    return choose(
        (
            (
                f"{who.en} {often} {who.present(calm)} before {before}",
                f"{who.zh}{before_zh}以前{often_zh}{calm.zh}",
            ),
            (
                f"after {who.en} {after} {late.en}, {he.en} {calm.past} for {time.en}",
                f"{who.zh}{late.zh}{after_zh}以后，{calm.zh_verb}了{time.zh}{calm.zh_object}",
            ),
        )
    )


@family.construction(weight=3)
def as_soon_as(choose: Choose) -> Clause:
    """Say as soon as: 一…就.

    As soon as he got home, he turned on the television. / 他一到家就打开了电视。
    """
    who, when = someone(choose), choose((NOTHING, *RECENT_DAYS))
    homework = phrases((f"finished {who.my} homework", "做完作业"), ("finished the exam", "考完试"))
    first, first_zh = choose(
        phrases(
            ("got home", "到家"),
            ("got up", "起床"),
            ("had breakfast", "吃完早饭"),
            *(homework if who in PUPILS else ()),
        )
    )
    then, then_zh = choose(
        phrases(
            ("turned on the television", "打开了电视"),
            *([("turned on the light", "打开了灯")] if first in ("got home", "got up") else []),
            ("turned on the computer", "打开了电脑"),
            ("opened the window", "打开了窗户"),
            (f"called {who.my} friends", "给朋友打了电话"),
        )
    )
    return (
        f"as soon as {who.en} {first} {when.en}, {who.pronoun.en} {then}",
        f"{who.zh}{when.zh}一{first_zh}就{then_zh}",
    )
