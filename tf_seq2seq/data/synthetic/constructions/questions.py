"""Questions."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import (
    BUY,
    EVENING_ACTS,
    FIND,
    MISHAPS,
    MORNING_ACTS,
    TAKE,
)
from tf_seq2seq.data.synthetic.lexicon.deeds import DEEDS
from tf_seq2seq.data.synthetic.lexicon.kinds import Phrase, phrases
from tf_seq2seq.data.synthetic.lexicon.people import NAMES
from tf_seq2seq.data.synthetic.lexicon.places import CITIES
from tf_seq2seq.data.synthetic.lexicon.things import (
    BAGS,
    BOOKS,
    BUILDINGS,
    DEVICES,
    FILMS,
    HATS,
    KEYS,
    PORTABLE,
    SHIRTS,
)
from tf_seq2seq.data.synthetic.lexicon.times import (
    DAYTIME,
    EVERY,
    LAST_NIGHT,
    LAST_WEEKEND,
    RECENTLY,
    SOON,
    YESTERDAY,
    YESTERDAY_OR_TODAY,
)
from tf_seq2seq.data.synthetic.phrases import (
    activity_for,
    demonstrative,
    described,
    past_time,
    progressive,
    question_subject,
    suitable_activities,
    without_qualities,
    worker,
)

family = Family()


@family.construction(weight=7, mark="?")
def yes_no_question(choose: Choose) -> Clause:
    """Ask whether: 吗 ends the question, and the word order stays.

    Did your younger sister play tennis in the park yesterday? / 你妹妹昨天在公园打网球了吗？
    """
    who = question_subject(choose)
    act, where = activity_for(choose, who)
    every, late, soon = choose(EVERY), past_time(choose, act, where), choose(SOON)
    (city, city_zh), day = choose(CITIES), choose(RECENTLY)
    done, done_zh = choose(
        phrases(
            ("lose the key", "把钥匙弄丢"),
            ("lose the umbrella", "把雨伞弄丢"),
            ("receive the letter", "收到信"),
            ("receive the gift", "收到礼物"),
            ("open the window", "打开窗户"),
            ("call me", "给我打电话"),
            ("borrow this book", "借这本书"),
        )
    )
    rain, rain_zh = choose((("rain", "下雨"), ("snow", "下雪")))
    do, am, have = who.do, who.am, who.have
    return choose(
        (
            (f"{do} {who.en} like to {act.base} {where.en}", f"{who.zh}喜欢{where.zh}{act.zh}吗"),
            (f"{do} {who.en} {act.base} {every.en}", f"{who.zh}{every.zh}都{act.zh}吗"),
            (
                f"did {who.en} {act.base} {where.en} {late.en}",
                f"{who.zh}{late.zh}{where.zh}{act.zh}了吗",
            ),
            (f"{am} {who.en} {act.ing} {where.en}", f"{who.zh}{progressive(act, where)}吗"),
            (f"will {who.en} come {soon.en}", f"{who.zh}{soon.zh}会来吗"),
            (f"did {who.en} {done} {day.en}", f"{who.zh}{day.zh}{done_zh}了吗"),
            (f"did it {rain} in {city} {day.en}", f"{city_zh}{day.zh}{rain_zh}了吗"),
            (f"{have} {who.en} ever been to {city}", f"{who.zh}去过{city_zh}吗"),
        )
    )


@family.construction(weight=10, mark="?")
def what_question(choose: Choose) -> Clause:
    """Ask what and how many: 什么 and 几 take the place of the answer.

    What did your mother buy at the market yesterday? / 你妈妈昨天在市场买了什么？
    """
    who, late = question_subject(choose), choose(RECENTLY)
    whom = choose([name for name in NAMES if name is not who])
    deed = choose([deed for deed in DEEDS if deed.verb is not TAKE and deed.things is not FILMS])
    many = choose([deed for deed in DEEDS if deed.most > 1])
    thing = choose(many.things)
    when, where, then, there = (
        choose(x) for x in (deed.times, deed.places, many.times, many.places)
    )
    return choose(
        (
            *[
                (
                    f"what did {who.en} {deed.verb.base} {where.en} {when.en}",
                    f"{who.zh}{when.zh}{where.zh}{deed.zh}了什么",
                ),
                (
                    f"how many {thing.plural} did {who.en} {many.verb.base} {there.en} {then.en}",
                    f"{who.zh}{then.zh}{there.zh}{many.zh}了几{thing.measure}{thing.zh}",
                ),
            ]
            * 3,
            (f"what did {who.en} say {late.en}", f"{who.zh}{late.zh}说了什么"),
            (f"what did {who.en} give {whom.en} {late.en}", f"{who.zh}{late.zh}给了{whom.zh}什么"),
        )
    )


@family.construction(weight=3, mark="?")
def where_when(choose: Choose) -> Clause:
    """Ask where, when and why; 是…的 asks about the circumstances of a known event.

    Where did you buy this coat? / 你是在哪儿买这件外套的？
    """
    who = question_subject(choose)
    deed, zh, kinds = choose(((BUY, "买", PORTABLE + BOOKS), (FIND, "找到", BAGS + KEYS)))
    thing = choose(kinds)
    this, this_zh, _, _ = demonstrative(choose, without_qualities(thing))
    act, every = choose(suitable_activities(who)), choose(EVERY)
    return choose(
        (
            (f"where did {who.en} {deed.base} {this}", f"{who.zh}是在哪儿{zh}{this_zh}的"),
            (f"when did {who.en} {deed.base} {this}", f"{who.zh}是什么时候{zh}{this_zh}的"),
            (f"where {who.do} {who.en} {act.base} {every.en}", f"{who.zh}{every.zh}在哪儿{act.zh}"),
            (f"why {who.do} {who.en} like to {act.base}", f"{who.zh}为什么喜欢{act.zh}"),
            (f"where {who.am} {who.en} {act.ing}", f"{who.zh}在哪儿{act.zh}"),
        )
    )


@family.construction(weight=11, mark="?")
def who_why_how(choose: Choose) -> Clause:
    """Ask who (谁), why (为什么), what time (几点), how (怎么) and how much (多少).

    Why did you not go to work yesterday? / 你昨天为什么没去上班？
    """
    who = worker(choose, question_subject)
    damage, zh, kinds = choose(MISHAPS)
    broken, late = choose(kinds), choose(RECENTLY)
    goods = choose(HATS + SHIRTS + BAGS + DEVICES + BOOKS)
    one, _, goods_zh = described(choose, without_qualities(goods))
    building = choose(BUILDINGS)
    place, place_zh = choose((("work", "上班"), (f"the {building.en}", building.zh)))
    act, where = activity_for(choose, choose(NAMES))
    (came, came_zh), times = choose(
        (
            (Phrase("come to the party", "来参加晚会"), (YESTERDAY, LAST_NIGHT, *LAST_WEEKEND)),
            (Phrase("go to work", "去上班"), DAYTIME[:-2]),
            (Phrase("go to the concert", "去听音乐会"), (LAST_NIGHT, *LAST_WEEKEND)),
            (Phrase("come to the meeting", "来开会"), DAYTIME[:-2]),
            (Phrase("call me", "给我打电话"), RECENTLY),
            (Phrase("open the window", "打开窗户"), YESTERDAY_OR_TODAY),
            (Phrase("turn off the light", "关灯"), YESTERDAY_OR_TODAY),
        )
    )
    then, then_zh = choose(times)
    every, every_zh, acts = choose(
        (("every morning", "每天早上", MORNING_ACTS), ("every evening", "每天晚上", EVENING_ACTS))
    )
    daily = choose(acts)
    return choose(
        (
            (f"who {damage.past} the {broken.en} {late.en}", f"{late.zh}是谁把{broken.zh}{zh}的"),
            (f"who is {act.ing} {where.en}", f"谁{progressive(act, where)}"),
            (f"why did {who.en} not {came} {then}", f"{who.zh}{then_zh}为什么没{came_zh}"),
            # 几点 asks for the hour; 几 and a measure word ask for an amount.
            (
                f"what time {who.do} {who.en} {daily.base} {every}",
                f"{who.zh}{every_zh}几点{daily.zh}",
            ),
            (f"{who.do} {who.en} agree", f"{who.zh}同意吗"),
            (f"how {who.do} {who.en} go to {place}", f"{who.zh}怎么去{place_zh}"),
            (f"how old is {who.my} teacher", f"{who.pronoun.zh}的老师多大了"),
            (f"how much does this {one} cost", f"这{goods.measure}{goods_zh}多少钱"),
            (f"where is the {building.en}", f"{building.zh}在哪儿"),
        )
    )
