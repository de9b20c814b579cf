"""Preference, skill, duty and permission."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import (
    DANCE,
    DISTRACTIONS,
    DUTIES,
    GET_UP,
    LEAVE_HOME,
    LEISURE,
    LIKE,
    NEED,
    PLAY,
    SWIM,
)
from tf_seq2seq.data.synthetic.lexicon.kinds import Person, Phrase, phrases
from tf_seq2seq.data.synthetic.lexicon.people import YOU, YOUNG
from tf_seq2seq.data.synthetic.lexicon.places import LANGUAGES, OUTSIDE
from tf_seq2seq.data.synthetic.lexicon.times import MORNING, TOMORROW, TOMORROW_BY_DAY, TONIGHT
from tf_seq2seq.data.synthetic.phrases import (
    activity_for,
    errand,
    someone,
    suitable_activities,
    time_of_day,
)

family = Family()


@family.construction(weight=2)
def likes(choose: Choose) -> Clause:
    """Say which activities someone likes.

    Anna likes to play the piano and dance. / 安娜喜欢弹钢琴和跳舞。
    """
    who = someone(choose)
    act, where = activity_for(choose, who)
    also = choose([choice for choice in suitable_activities(who) if choice.verb is not act.verb])
    like = who.present(LIKE)
    return choose(
        (
            (f"{who.en} {like} to {act.base} {where.en}", f"{who.zh}喜欢{where.zh}{act.zh}"),
            (f"{who.en} {like} to {act.base} and {also.base}", f"{who.zh}喜欢{act.zh}和{also.zh}"),
            (
                f"{who.en} {like} to {act.base}, and also {like} to {also.base}",
                f"{who.zh}喜欢{act.zh}，也喜欢{also.zh}",
            ),
        )
    )


@family.construction(weight=3)
def skill(choose: Choose) -> Clause:
    """Say what someone has learned to do: "can" is 会.

    My grandfather can speak English and Chinese. / 我爷爷会说英语和中文。
    """
    who = someone(choose)
    act = choose([act for act in suitable_activities(who) if act.verb in (PLAY, SWIM, DANCE)])
    one, two = choose(LANGUAGES), choose(LANGUAGES)
    en, zh = choose(
        (
            (act.base, act.zh),
            ("drive", "开车") if who not in YOUNG else ("ride a horse", "骑马"),
            ("ride a bicycle", "骑自行车"),
            (f"speak {one.en}", f"说{one.zh}"),
            (f"speak {one.en} and {two.en}", f"说{one.zh}和{two.zh}")
            if one != two
            else ("cook", "做饭"),
        )
    )
    can, can_zh = choose((("can", "会"), ("cannot", "不会")))
    if can == "cannot":
        # "Cannot speak English and French" would be ambiguous.
        en, zh = en.partition(" and ")[0], zh.partition("和")[0]
    return f"{who.en} {can} {en}", f"{who.zh}{can_zh}{zh}"


@family.construction(weight=7)
def modal(choose: Choose) -> Clause:
    """Say what someone must, should or may do.

    You should clean the room tomorrow. / 你明天应该打扫房间。
    """
    who = choose((Person("you", "你", YOU), someone(choose)))
    duty = phrases(("must", "必须"), ("should", "应该"), (f"{who.present(NEED)} to", "需要"))
    may, should_not = phrases(("may", "可以"), ("should not", "不应该"))
    must, acts = choose(
        ((choose(duty), DUTIES), (choose(duty), DUTIES), (may, LEISURE), (should_not, DISTRACTIONS))
    )
    act, where = errand(*activity_for(choose, who, acts))
    # Avoid cooking dinner in the morning and being in the garden at night.
    tonight = () if where in OUTSIDE else (TONIGHT,)
    daytime = () if act.object == "dinner" else TOMORROW_BY_DAY
    when = choose((*tonight, *daytime, TOMORROW, Phrase("today", "今天")))
    start = choose((GET_UP, GET_UP, LEAVE_HOME))
    (early, early_zh), time = choose(duty), time_of_day(choose, MORNING[:3])
    if choose((True, *[False] * 4)):
        return (
            f"{who.en} {early} {start.base} {time.en} tomorrow morning",
            f"{who.zh}明天早上{early_zh}{time.zh}{start.zh}",
        )
    return (
        f"{who.en} {must.en} {act.base} {where.en} {when.en}",
        f"{who.zh}{when.zh}{must.zh}{where.zh}{act.zh}",
    )
