"""Reason (因为), concession (虽然) and condition (如果)."""

from __future__ import annotations

import dataclasses

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import LIKE, OUTDOORS
from tf_seq2seq.data.synthetic.lexicon.deeds import LASTING
from tf_seq2seq.data.synthetic.lexicon.kinds import Phrase, phrases
from tf_seq2seq.data.synthetic.lexicon.places import HOME, MARKET, OUTSIDE, SHOP, SUPERMARKET
from tf_seq2seq.data.synthetic.lexicon.things import (
    CARS,
    CHEAP,
    DEVICES,
    EXPENSIVE,
    GOODS,
    HATS,
    HOUSES,
    NEW,
    OLD,
    SHIRTS,
)
from tf_seq2seq.data.synthetic.lexicon.times import (
    DAYTIME,
    NEXT_DAYS,
    ONCE,
    RECENT_DAYS,
    SOMEDAY,
    TOMORROW,
    TOMORROW_BY_DAY,
)
from tf_seq2seq.data.synthetic.phrases import (
    adult,
    amount,
    described,
    someone,
    suitable_activities,
    thing_that,
    without_qualities,
    worker,
)

family = Family()

# States, with their consequences and what people do in spite of them. `{was}` and `{my}` are
# replaced by forms that agree with the person.
STATES = (
    (
        Phrase("{was} very tired", "很累"),
        phrases(
            ("went to bed at nine o'clock", "九点就睡觉了"),
            ("did not go to the party", "没去参加晚会"),
            ("did not want to cook dinner", "不想做晚饭"),
            ("stayed at home", "待在家里"),
        ),
        phrases(
            ("still cleaned the room", "还是打扫了房间"),
            ("still cooked dinner", "还是做了晚饭"),
            ("still went to work", "还是去上班了"),
            ("still went to the party", "还是去参加了晚会"),
        ),
    ),
    (
        Phrase("{was} ill", "病了"),
        phrases(
            ("did not go to work", "没去上班"),
            ("went to the hospital", "去了医院"),
            ("took the medicine", "吃了药"),
            ("stayed at home", "待在家里"),
        ),
        phrases(
            ("still went to work", "还是去上班了"),
            ("did not go to the hospital", "没去医院"),
            ("did not take the medicine", "没吃药"),
        ),
    ),
    (
        Phrase("{was} very busy", "很忙"),
        phrases(
            ("did not have lunch", "没吃午饭"),
            ("did not call {my} friends", "没给朋友打电话"),
            ("did not go to the concert", "没去听音乐会"),
            ("did not read the newspaper", "没看报纸"),
        ),
        phrases(
            ("still called {my} friends", "还是给朋友打了电话"),
            ("still went to the meeting", "还是去开会了"),
            ("still listened to music for an hour", "还是听了一个小时音乐"),
        ),
    ),
    (
        Phrase("{was} very hungry", "很饿"),
        phrases(("ate two bowls of rice", "吃了两碗米饭"), ("went to the restaurant", "去了餐馆")),
        phrases(("did not have dinner", "没吃晚饭"), ("only ate an apple", "只吃了一个苹果")),
    ),
)
RAIN = phrases(
    ("it was raining", "下雨"),
    ("it was snowing", "下雪"),
    ("it was very cold", "很冷"),
    ("it was very hot", "很热"),
)
RAIN_LEADS = phrases(
    ("stayed at home", "待在家里"),
    ("took a taxi", "坐了出租车"),
    ("did not go to the park", "没去公园"),
    ("did not play football", "没踢足球"),
)
RAIN_DESPITE = phrases(
    ("still went to the park", "还是去了公园"),
    ("still went to work by bicycle", "还是骑自行车去上班了"),
    ("still played football for two hours", "还是踢了两个小时足球"),
)


def consequence(choose: Choose, despite: bool) -> tuple[Phrase, Phrase]:
    """Choose a past reason, and its result or what someone did in spite of it."""
    who, when, day = worker(choose), choose(DAYTIME), choose(RECENT_DAYS)
    state, leads, anyway = choose(STATES)
    then = choose(anyway if despite else leads)
    rain, outing = choose(RAIN), choose(RAIN_DESPITE if despite else RAIN_LEADS)
    fill = {"was": who.was, "my": who.my}
    return choose(
        (
            (
                Phrase(
                    f"{who.en} {state.en.format(**fill)} {day.en}", f"{who.zh}{day.zh}{state.zh}"
                ),
                Phrase(f"{who.pronoun.en} {then.en.format(**fill)}", f"{who.pronoun.zh}{then.zh}"),
            ),
            (
                Phrase(f"{rain.en} {when.en}", f"{when.zh}{rain.zh}"),
                Phrase(f"{who.en} {outing.en}", f"{who.zh}{outing.zh}"),
            ),
        )
    )


def purchase(choose: Choose) -> tuple[Phrase, Phrase]:
    """Choose a reason not to buy a thing seen in a shop, and what the person did."""
    who, when = adult(choose), choose(ONCE)
    thing = choose(SHIRTS + HATS[:1])
    fault, fault_zh = choose(
        phrases(("too expensive", "太贵了"), ("too big", "太大了"), ("too small", "太小了"))
    )
    place, place_zh = choose((SHOP, SUPERMARKET, MARKET))
    one, _, zh = described(choose, without_qualities(thing))
    decision, decision_zh = choose(
        phrases(
            ("did not buy it", "没买"),
            ("decided to buy another one", f"决定买另一{thing.measure}"),
            ("did not want to buy it", "不想买"),
        )
    )
    return (
        Phrase(
            f"the {one} that {who.en} saw {place} {when.en} was {fault}",
            f"{who.zh}{when.zh}{place_zh}看到的{zh}{fault_zh}",
        ),
        Phrase(f"{who.pronoun.en} {decision}", f"{who.pronoun.zh}{decision_zh}"),
    )


@family.construction(weight=5)
def because(choose: Choose) -> Clause:
    """Give a reason: Chinese marks both the reason (因为) and the result (所以).

    Because it was raining yesterday, my father took a taxi. / 因为昨天下雨，所以我爸爸坐了出租车。
    """
    reason, result = choose((consequence(choose, despite=False), purchase(choose)))
    # The reason comes first: it contains the noun that the pronoun of the result refers to.
    return f"because {reason.en}, {result.en}", f"因为{reason.zh}，所以{result.zh}"


@family.construction(weight=4)
def although(choose: Choose) -> Clause:
    """Concede something: English has one conjunction, Chinese two (虽然…但是).

    Although she was ill yesterday, she still went to work. / 虽然她昨天病了，但是她还是去上班了。
    """
    who = adult(choose)
    bought = [deed for deed in LASTING if deed.things[0] in GOODS]
    what, thing, is_ = thing_that(choose, bought, apart=(who,))
    faults = [q for q in thing.qualities if q in (OLD, EXPENSIVE, CHEAP)]
    fault = choose(faults or [EXPENSIVE])
    state = Phrase(f"{what.en} {is_} very {fault.en}", f"{what.zh}很{fault.zh}")
    it = "it" if is_ == "is" else "them"
    fact, outcome = choose(
        (
            consequence(choose, despite=True),
            (state, Phrase(f"{who.en} {who.present(LIKE)} {it} very much", f"{who.zh}很喜欢")),
        )
    )
    return f"although {fact.en}, {outcome.en}", f"虽然{fact.zh}，但是{outcome.zh}"


@family.construction(weight=4)
def condition(choose: Choose) -> Clause:
    """State a condition: 如果…就, where 就 follows the second subject.

    If it rains tomorrow, we will stay at home. / 如果明天下雨，我们就待在家里。
    """
    who, when = someone(choose), choose((TOMORROW, *TOMORROW_BY_DAY, *NEXT_DAYS))
    act = choose(suitable_activities(who, OUTDOORS))
    place = choose([place for place in act.places if place in OUTSIDE])
    home = choose([act for act in suitable_activities(who) if HOME in act.places])
    bad, bad_zh = choose(phrases(("it rains", "下雨"), ("it snows", "下雪")))
    stay, stay_zh = choose(
        phrases(("stay at home", "待在家里"), (f"{home.base} at home", f"在家里{home.zh}"))
    )
    out, out_zh = f"{act.base} {place.en}", f"去{place.zh.removeprefix('在')}{act.zh}"
    buyer, rich = adult(choose), choose(SOMEDAY[2:4])
    wish = choose(CARS[:1] + HOUSES + DEVICES)
    wish = amount(choose, dataclasses.replace(wish, qualities=(NEW,)), most=1)
    return choose(
        (
            (
                f"if {bad} {when.en}, {who.en} will {stay}",
                f"如果{when.zh}{bad_zh}，{who.zh}就{stay_zh}",
            ),
            (
                f"if the weather is good {when.en}, {who.en} will {out}",
                f"如果{when.zh}天气好，{who.zh}就{out_zh}",
            ),
            (
                f"if {who.en} {who.have} time {when.en}, {who.pronoun.en} will {out}",
                f"如果{who.zh}{when.zh}有时间，{who.pronoun.zh}就{out_zh}",
            ),
            (
                f"if {buyer.en} {buyer.have} enough money {rich.en}, "
                f"{buyer.pronoun.en} will buy {wish.en}",
                f"如果{buyer.zh}{rich.zh}有足够的钱，{buyer.pronoun.zh}就买{wish.zh}",
            ),
        )
    )
