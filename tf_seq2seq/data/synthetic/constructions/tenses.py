"""Simple statements in the present, past and future, affirmative and negative."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import (
    ACTIVITIES,
    BEDTIME,
    CHORES,
    EVENING_ACTS,
    HOUSEWORK,
    MORNING_ACTS,
    SING,
    SWIM,
    WANT,
)
from tf_seq2seq.data.synthetic.lexicon.kinds import NOTHING, phrases, verb
from tf_seq2seq.data.synthetic.lexicon.people import PRONOUNS, SHE, STRANGERS
from tf_seq2seq.data.synthetic.lexicon.places import BEACH, OUTSIDE, RIVER
from tf_seq2seq.data.synthetic.lexicon.things import CHEAP, DRESSES, HATS, SHIRTS, SMALL
from tf_seq2seq.data.synthetic.lexicon.times import (
    AFTERNOON,
    EVENING,
    EVERY,
    HOURS,
    MORNING,
    OFTEN,
    SEASONS,
    SOMEDAY,
)
from tf_seq2seq.data.synthetic.phrases import (
    activity_for,
    adult,
    company,
    deed_with,
    described,
    excluding,
    helper,
    named_person,
    past_time,
    plan,
    progressive,
    someone,
    someone_else,
    suitable_activities,
    time_of_day,
    with_article,
)

family = Family()


@family.construction(weight=15)
def short(choose: Choose) -> Clause:
    """Write a subject and little more.

    She swims. / 她游泳。
    """
    who = someone(choose)
    whom = someone_else(choose, who, helper)
    agree = who.present(verb("agree"))
    am, was = who.am, who.was
    en, zh = choose(
        phrases(
            (who.present(SWIM), "游泳"),
            (agree, "同意"),
            (f"{agree} with {whom.me}", f"同意{whom.zh}的看法"),
            (f"{agree} with {whom.me}", f"同意{whom.zh}的看法"),
            (f"{who.do} not agree", "不同意"),
            (who.present(SING), "唱歌"),
            ("laughed", "笑了"),
            ("left", "走了"),
            # Losing a match is 输, losing a key 丢.
            ("lost", "输了"),
            ("won", "赢了"),
            (f"{am} tired", "很累"),
            (f"{am} busy", "很忙"),
            (f"{am} hungry", "很饿"),
            (f"{was} late", "迟到了"),
        )
    )
    return f"{who.en} {en}", f"{who.zh}{zh}"


@family.construction(weight=5)
def habit(choose: Choose) -> Clause:
    """Put time and place between subject and verb.

    My mother drinks tea in the garden every morning. / 我妈妈每天早上都在花园里喝茶。
    """
    who, when = someone(choose), choose(EVERY)
    act, where = activity_for(choose, who)
    pal = company(choose, who, act)
    return (
        f"{who.en} {who.present(act)} {pal.en} {where.en} {when.en}",
        f"{who.zh}{when.zh}都{pal.zh}{where.zh}{act.zh}",
    )


@family.construction(weight=4)
def frequency(choose: Choose) -> Clause:
    """Use an adverb of frequency, sometimes with a season.

    We often swim in the river in summer. / 我们夏天经常在河里游泳。
    """
    who, often = someone(choose), choose(OFTEN)
    act, where = activity_for(choose, who)
    seasons = (
        SEASONS[1:2] if where in (RIVER, BEACH) else SEASONS[:3] if where in OUTSIDE else SEASONS
    )
    season = choose((NOTHING, choose(seasons)))
    pal = company(choose, who, act)
    return (
        f"{who.en} {often.en} {who.present(act)} {pal.en} {where.en} {season.en}",
        f"{who.zh}{season.zh}{often.zh}{pal.zh}{where.zh}{act.zh}",
    )


@family.construction(weight=6)
def clock_time(choose: Choose) -> Clause:
    """Order times from the longer to the shorter.

    She has breakfast at half past seven every morning. / 她每天早上七点半吃早饭。
    """
    who = someone(choose)
    every, every_zh, hours, acts = choose(
        (
            ("every morning", "每天早上", MORNING[:4], MORNING_ACTS),
            ("every afternoon", "每天下午", AFTERNOON, ACTIVITIES),
            ("every evening", "每天晚上", EVENING[:3], EVENING_ACTS),
            ("every night", "每天晚上", HOURS[8:], BEDTIME),
        )
    )
    act, time = choose(suitable_activities(who, acts)), time_of_day(choose, hours)
    return (
        f"{who.en} {who.present(act)} {time.en} {every}",
        f"{who.zh}{every_zh}{time.zh}{act.zh}",
    )


@family.construction(weight=5)
def past(choose: Choose) -> Clause:
    """Describe a finished deed: 了 follows the verb and precedes the amount.

    He bought two red hats last week. / 他上周买了两顶红色帽子。
    """
    deed, act = deed_with(choose)
    who, when, where = adult(choose), choose(deed.times), choose(deed.places)
    return (
        f"{who.en} {act.past} {where.en} {when.en}",
        f"{who.zh}{when.zh}{where.zh}{act.zh_past}",
    )


@family.construction(weight=8)
def past_activity(choose: Choose) -> Clause:
    """Describe a past activity: 了 ends the sentence; the time may come first in both languages.

    Yesterday afternoon we played football in the park. / 昨天下午我们在公园踢足球了。
    """
    who = someone(choose)
    act, where = activity_for(choose, who, ACTIVITIES + HOUSEWORK)
    when = past_time(choose, act, where)
    pal = company(choose, who, act)
    en, zh = f"{act.past} {pal.en} {where.en}", f"{pal.zh}{where.zh}{act.zh}了"
    return choose(
        (
            (f"{who.en} {en} {when.en}", f"{who.zh}{when.zh}{zh}"),
            (f"{when.en} {who.en} {en}", f"{when.zh}{who.zh}{zh}"),
        )
    )


@family.construction(weight=8)
def now(choose: Choose) -> Clause:
    """Use the progressive: 正在.

    The children are playing chess in the garden. / 孩子们正在花园里下棋。
    """
    who = someone(choose)
    act, where = activity_for(choose, who, ACTIVITIES + 4 * CHORES)
    return f"{who.en} {who.am} {act.ing} {where.en}", f"{who.zh}{progressive(act, where)}"


@family.construction(weight=3)
def wearing(choose: Choose) -> Clause:
    """Describe what someone wears: clothes take 穿, hats and scarves 戴.

    The girl is wearing a red hat. / 那个女孩戴着一顶红色帽子。
    """
    who = choose((named_person(choose), *PRONOUNS[1:3], *STRANGERS[:2]))
    clothes = SHIRTS + DRESSES if who.pronoun is SHE else SHIRTS
    wear, kinds = choose((("穿", clothes), ("戴", HATS)))
    thing = choose(kinds)
    one, _, zh = described(choose, excluding(thing, CHEAP, SMALL))
    return (
        f"{who.en} {who.am} wearing {with_article(one)}",
        f"{who.zh}{wear}着一{thing.measure}{zh}",
    )


@family.construction(weight=6)
def future(choose: Choose) -> Clause:
    """Say what will happen (会) and what is intended (打算) or wanted (想).

    They are going to visit Beijing next month. / 他们下个月打算游览北京。
    """
    who = adult(choose)
    act = plan(choose, who)
    # People do not plan a year ahead which film to see.
    when = choose(SOMEDAY[:3] if act.counted else SOMEDAY)
    where = choose(act.places)
    will, will_zh = choose(
        (("will", "会"), (f"{who.am} going to", "打算"), (who.present(WANT) + " to", "想"))
    )
    return (
        f"{who.en} {will} {act.base} {where.en} {when.en}",
        f"{who.zh}{when.zh}{will_zh}{where.zh}{act.zh}",
    )


@family.construction(weight=2)
def not_past(choose: Choose) -> Clause:
    """Negate the past with 没, without 了.

    My father did not watch television at home last night. / 我爸爸昨晚没在家里看电视。
    """
    who = someone(choose)
    act, where = activity_for(choose, who)
    when = past_time(choose, act, where)
    return (
        f"{who.en} did not {act.base} {where.en} {when.en}",
        f"{who.zh}{when.zh}没{where.zh}{act.zh}",
    )


@family.construction(weight=3)
def not_habit(choose: Choose) -> Clause:
    """Negate habits and preferences with 不.

    My younger sister does not like to swim in the river. / 我妹妹不喜欢在河里游泳。
    """
    who = someone(choose)
    act, where = activity_for(choose, who)
    do = who.do
    return choose(
        (
            (
                f"{who.en} {do} not like to {act.base} {where.en}",
                f"{who.zh}不喜欢{where.zh}{act.zh}",
            ),
            (f"{who.en} {do} not {act.base}", f"{who.zh}不{act.zh}"),
            (f"{who.en} never {who.present(act)} {where.en}", f"{who.zh}从不{where.zh}{act.zh}"),
            (f"{who.en} no longer {who.present(act)}", f"{who.zh}不再{act.zh}了"),
            (
                f"{who.en} {do} not want to {act.base} {where.en} today",
                f"{who.zh}今天不想{where.zh}{act.zh}",
            ),
        )
    )
