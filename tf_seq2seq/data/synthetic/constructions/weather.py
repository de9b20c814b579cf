"""The weather."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.kinds import phrases
from tf_seq2seq.data.synthetic.lexicon.places import CITIES
from tf_seq2seq.data.synthetic.lexicon.times import OFTEN, RECENTLY, SEASONS, SOON

family = Family()


@family.construction(weight=6)
def weather(choose: Choose) -> Clause:
    """Describe the weather; Chinese has no "it" here.

    It will rain in London tomorrow. / 伦敦明天会下雨。
    """
    city, (late, late_zh), (soon, soon_zh) = choose(CITIES), choose(RECENTLY), choose(SOON)
    rain, rain_zh, wet_seasons = choose((("rain", "下雨", SEASONS), ("snow", "下雪", SEASONS[3:])))
    cold, cold_zh, (season, season_zh) = choose(
        (
            ("warm", "暖和", SEASONS[0]),
            ("hot", "热", SEASONS[1]),
            ("cold", "冷", SEASONS[2]),
            ("cold", "冷", SEASONS[3]),
        )
    )
    (often, often_zh), (wet, wet_zh) = choose(OFTEN[::3]), choose(wet_seasons)
    degree, degree_zh = choose(phrases(("very", "很"), ("not very", "不太")))
    return choose(
        (
            (f"it will {rain} in {city.en} {soon}", f"{city.zh}{soon_zh}会{rain_zh}"),
            (f"it is {rain}ing in {city.en} today", f"{city.zh}今天在{rain_zh}"),
            (
                f"it was {degree} {cold} in {city.en} {late}",
                f"{city.zh}{late_zh}{degree_zh}{cold_zh}",
            ),
            (
                f"it is {degree} {cold} in {city.en} {season}",
                f"{city.zh}{season_zh}{degree_zh}{cold_zh}",
            ),
            (f"it {often} {rain}s in {city.en} {wet}", f"{city.zh}{wet_zh}{often_zh}{rain_zh}"),
        )
    )
