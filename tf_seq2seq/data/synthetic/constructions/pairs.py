"""Two subjects, two objects or two contrasted clauses."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import ACTIVITIES, CHORES, LIKE
from tf_seq2seq.data.synthetic.lexicon.places import LANGUAGES
from tf_seq2seq.data.synthetic.lexicon.things import CHEAP, EXPENSIVE, GOODS, PRAISE, USEFUL
from tf_seq2seq.data.synthetic.lexicon.times import EVERY
from tf_seq2seq.data.synthetic.phrases import (
    activity_for,
    demonstrative,
    named_person,
    progressive,
    someone,
    someone_else,
    suitable_activities,
    without_qualities,
)

family = Family()


@family.construction(weight=3)
def both(choose: Choose) -> Clause:
    """Join two subjects or objects with 都, two predicates with 既…也 or 不但…而且.

    Both my father and my mother like to play tennis. / 我爸爸和我妈妈都喜欢打网球。
    """
    who = named_person(choose)
    whom = someone_else(choose, who, named_person)
    act = choose(suitable_activities(who, suitable_activities(whom)))
    again = choose([choice for choice in suitable_activities(who) if choice.verb is not act.verb])
    one = choose(LANGUAGES)
    two = choose([language for language in LANGUAGES if language is not one])
    thing = choose(GOODS)
    good = [q for q in thing.qualities if q in PRAISE]
    first = choose(good)
    rest = [q for q in good if q is not first and {q, first} != {CHEAP, EXPENSIVE}] or [USEFUL]
    second = choose(rest)
    en, zh, is_, _ = demonstrative(choose, without_qualities(thing))
    return choose(
        (
            (
                f"both {who.en} and {whom.en} like to {act.base}",
                f"{who.zh}和{whom.zh}都喜欢{act.zh}",
            ),
            (f"{who.en} speaks both {one.en} and {two.en}", f"{one.zh}和{two.zh}{who.zh}都会说"),
            (
                f"{who.en} likes neither {act.ing} nor {again.ing}",
                f"{who.zh}既不喜欢{act.zh}，也不喜欢{again.zh}",
            ),
            (
                f"{who.en} not only likes to {act.base} but also likes to {again.base}",
                f"{who.zh}不但喜欢{act.zh}，而且也喜欢{again.zh}",
            ),
            (
                f"{en} {is_} not only {first.en} but also {second.en}",
                f"{zh}不但很{first.zh}，而且很{second.zh}",
            ),
        )
    )


@family.construction(weight=5)
def meanwhile(choose: Choose) -> Clause:
    """Contrast what two people do: 而, 但是.

    My father is reading the newspaper at home while my mother is waiting for the bus at the
    station. / 我爸爸正在家里看报纸，而我妈妈正在车站等公共汽车。
    """
    who = someone(choose)
    whom = someone_else(choose, who)
    act, where = activity_for(choose, who, suitable_activities(whom))
    deed, there = activity_for(choose, whom, ACTIVITIES + 3 * CHORES)
    every = choose(EVERY)
    return choose(
        (
            (
                f"{who.en} {who.am} {act.ing} {where.en} while "
                f"{whom.en} {whom.am} {deed.ing} {there.en}",
                f"{who.zh}{progressive(act, where)}，而{whom.zh}{progressive(deed, there)}",
            ),
            (
                f"{who.en} {who.present(LIKE)} to {act.base} {where.en}, but "
                f"{whom.en} {whom.do} not like to {act.base}",
                f"{who.zh}喜欢{where.zh}{act.zh}，但是{whom.zh}不喜欢{act.zh}",
            ),
            (
                f"{who.en} {who.present(act)} {every.en}, but {whom.en} never {whom.present(act)}",
                f"{who.zh}{every.zh}都{act.zh}，但是{whom.zh}从不{act.zh}",
            ),
        )
    )
