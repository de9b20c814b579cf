"""Descriptions: what things and people are like, and how well people do things."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import COOK, PLAY, RUN, SING, SPEAK, SWIM
from tf_seq2seq.data.synthetic.lexicon.kinds import NOTHING, Action, Phrase, phrases, verb
from tf_seq2seq.data.synthetic.lexicon.things import DRESSES, FURNITURE, GOODS, QUESTIONS, TABLES
from tf_seq2seq.data.synthetic.phrases import (
    DEGREES,
    demonstrative,
    predicate,
    someone,
    someone_else,
    suitable_activities,
    without_qualities,
)

family = Family()


@family.construction(weight=8)
def opinion(choose: Choose) -> Clause:
    """Describe a thing: an "old" thing is 旧, a "light" one 轻.

    This umbrella is very light. / 这把雨伞很轻。
    """
    thing = choose(GOODS + 4 * FURNITURE + TABLES + 6 * QUESTIONS + 8 * DRESSES)
    like = predicate(choose, thing)
    # An attribute might repeat or contradict the predicate.
    bare = without_qualities(thing)
    en, zh, is_, _ = demonstrative(choose, bare)
    return f"{en} {is_} {like.en}", f"{zh}{like.zh}"


@family.construction(weight=3)
def looks(choose: Choose) -> Clause:
    """Describe how someone is or looks; an "old" person is 老.

    The old man looks a little tired today. / 那位老人今天看起来有点儿累。
    """
    who, when = someone(choose), choose((Phrase("today", "今天"), NOTHING))
    en, zh = choose(
        phrases(
            ("tired", "累"), ("happy", "高兴"), ("busy", "忙"), ("sad", "难过"), ("hungry", "饿")
        )
    )
    degree = choose(
        phrases(("very {}", "很{}"), ("a little {}", "有点儿{}"), ("not very {}", "不太{}"))
    )
    if en == "happy" and "little" in degree.en:
        degree = DEGREES[0]
    verb_en, verb_zh = choose(((who.am, ""), (who.present(verb("look")), "看起来")))
    if degree.en.startswith("not"):
        if en == "sad":
            en, zh = "happy", "高兴"
        verb_en = choose((who.am, f"{who.do} not look"))
        verb_zh = "" if verb_en == who.am else "看起来"
        degree = Phrase(degree.en.removeprefix("not ") if verb_zh else degree.en, degree.zh)
    return (
        f"{who.en} {verb_en} {degree.en.format(en)} {when.en}",
        f"{who.zh}{when.zh}{verb_zh}{degree.zh.format(zh)}",
    )


@family.construction(weight=7)
def manner(choose: Choose) -> Clause:
    """Say how well someone does something: the verb follows its object and takes 得.

    My older sister plays the piano very well. / 我姐姐钢琴弹得很好。
    """
    who = someone(choose)
    rival = someone_else(choose, who)
    act, (well, well_zh), (better, better_zh) = choose(
        [
            way
            for way in MANNERS
            if suitable_activities(who, way[:1]) and suitable_activities(rival, way[:1])
        ]
    )
    topic = act.zh_object if act.object else ""
    return choose(
        (
            (
                f"{who.en} {who.present(act)} very {well}",
                f"{who.zh}{topic}{act.zh_verb}得很{well_zh}",
            ),
            (
                f"{who.en} {who.present(act)} {better} than {rival.me}",
                f"{who.zh}{topic}{act.zh_verb}得比{rival.zh}{better_zh}",
            ),
            (
                f"{who.en} {who.do} not {act.base} very {well}",
                f"{who.zh}{topic}{act.zh_verb}得不太{well_zh}",
            ),
        )
    )


WELL = (("well", "好"), ("better", "好"))
FAST = (("fast", "快"), ("faster", "快"))
MANNERS = (
    *[(Action(COOK, "Chinese food", "做", "中国菜"), *WELL)] * 2,
    (Action(PLAY, "the piano", "弹", "钢琴"), *WELL),
    (Action(PLAY, "the violin", "拉", "小提琴"), *WELL),
    (Action(PLAY, "football", "踢", "足球"), *WELL),
    (Action(PLAY, "chess", "下", "棋"), *WELL),
    (Action(SPEAK, "English", "说", "英语"), *WELL),
    (Action(SPEAK, "Chinese", "说", "中文"), *WELL),
    (Action(SING, "", "唱", "歌"), *WELL),
    *[(Action(SWIM, "", "游", "泳"), *FAST), (Action(RUN, "", "跑", "步"), *FAST)] * 2,
)
