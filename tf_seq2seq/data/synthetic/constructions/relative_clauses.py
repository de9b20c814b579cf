"""Relative clauses: after the noun in English, before it in Chinese."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import GROWN_UP, KNOW, LIKE, OUTDOORS
from tf_seq2seq.data.synthetic.lexicon.deeds import LASTING
from tf_seq2seq.data.synthetic.lexicon.kinds import NOTHING, phrases
from tf_seq2seq.data.synthetic.lexicon.places import OUTSIDE
from tf_seq2seq.data.synthetic.lexicon.times import DAYTIME, NUMBERS
from tf_seq2seq.data.synthetic.phrases import (
    adult,
    helper,
    person_who,
    predicate,
    someone,
    someone_else,
    thing_that,
)

family = Family()


@family.construction(weight=6)
def relative_subject(choose: Choose) -> Clause:
    """Give the subject a relative clause.

    The book that I bought yesterday is very interesting. / 我昨天买的书很有趣。
    """
    what, thing, is_ = thing_that(choose)
    like = predicate(choose, thing)
    return f"{what.en} {is_} {like.en}", f"{what.zh}{like.zh}"


@family.construction(weight=4)
def relative_object(choose: Choose) -> Clause:
    """Give the object a relative clause, which Chinese puts in the middle of the sentence.

    Mary lost the umbrella that her mother bought last week. / 玛丽把她妈妈上周买的雨伞弄丢了。
    """
    who = adult(choose)
    what, _, _ = thing_that(choose, LASTING, apart=(who,))
    return choose(
        (
            (f"{who.en} lost {what.en}", f"{who.zh}把{what.zh}弄丢了"),
            (f"{who.en} {who.present(LIKE)} {what.en}", f"{who.zh}喜欢{what.zh}"),
            (f"{who.en} {who.do} not like {what.en}", f"{who.zh}不喜欢{what.zh}"),
        )
    )


@family.construction(weight=4)
def relative_person(choose: Choose) -> Clause:
    """Identify a person by what they are doing; knowing a person is 认识.

    I know the girl who is playing the guitar in the park. / 我认识正在公园弹吉他的女孩。
    """
    who, whom = someone(choose), person_who(choose)
    role, role_zh = choose((("neighbour", "邻居"), ("friend", "朋友")))
    return choose(
        (
            (f"{who.en} {who.present(KNOW)} {whom.en}", f"{who.zh}认识{whom.zh}"),
            (f"{whom.en} is {who.my} {role}", f"{whom.zh}是{who.pronoun.zh}的{role_zh}"),
        )
    )


@family.construction(weight=6)
def witnessed(choose: Choose) -> Clause:
    """Say whom someone saw doing something.

    We saw two boys playing basketball in the park. / 我们看见两个男孩在公园打篮球。
    """
    who, when = someone(choose), choose((NOTHING, choose(DAYTIME)))
    act = choose([act for act in OUTDOORS if act not in GROWN_UP])
    where = choose([place for place in act.places if place in OUTSIDE])
    kinds = phrases(("boys", "男孩"), ("girls", "女孩"), ("children", "孩子"), ("students", "学生"))
    boys, boys_zh = choose([kind for kind in kinds if kind.en not in who.en])
    number, number_zh = choose(NUMBERS[:5])
    one = someone_else(choose, who, helper)
    whom, whom_zh = choose(((f"{number} {boys}", f"{number_zh}个{boys_zh}"), (one.me, one.zh)))
    return (
        f"{who.en} saw {whom} {act.ing} {where.en} {when.en}",
        f"{who.zh}{when.zh}看见{whom_zh}{where.zh}{act.zh}",
    )
