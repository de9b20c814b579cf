"""How people get somewhere."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import COME, GO
from tf_seq2seq.data.synthetic.lexicon.kinds import phrases
from tf_seq2seq.data.synthetic.lexicon.places import CITIES
from tf_seq2seq.data.synthetic.lexicon.times import DURATIONS, EVERY, LONGER_AGO, YESTERDAY_OR_TODAY
from tf_seq2seq.data.synthetic.phrases import worker

family = Family()


@family.construction(weight=4)
def transport(choose: Choose) -> Clause:
    """Put the means of transport before the verb of motion.

    My colleague goes to work by bus every day. / 我的同事每天都坐公共汽车去上班。
    """
    who, (by, by_zh), every = worker(choose), choose(VEHICLES), choose(EVERY[:2])
    when = choose((*YESTERDAY_OR_TODAY[:2], *LONGER_AGO[:3]))
    city, city_zh = choose(CITIES[:2])
    place, place_zh = choose(
        phrases(("the station", "车站"), ("the museum", "博物馆"), ("the library", "图书馆"))
    )
    time, time_zh = choose([time for time in DURATIONS if "hours" not in time.en])
    return choose(
        (
            (
                f"{who.en} {who.present(GO)} to work {by} {every.en}",
                f"{who.zh}{every.zh}都{by_zh}去上班",
            ),
            (
                f"{who.en} {who.present(COME)} home {by} every evening",
                f"{who.zh}每天晚上都{by_zh}回家",
            ),
            (
                f"{who.en} went to {city} by train {when.en}",
                f"{who.zh}{when.zh}坐火车去{city_zh}了",
            ),
            (
                f"it takes {time} to go from {who.my} house to {place} {by}",
                f"从{who.pronoun.zh}家{by_zh}去{place_zh}要{time_zh}",
            ),
        )
    )


VEHICLES = phrases(("by bus", "坐公共汽车"), ("by bicycle", "骑自行车"), ("by taxi", "坐出租车"))
