"""Thoughts and speech: what people think, know, believe, have heard or say."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.constructions.abilities import skill
from tf_seq2seq.data.synthetic.constructions.aspect import lived
from tf_seq2seq.data.synthetic.constructions.comparisons import compared_things, superlative
from tf_seq2seq.data.synthetic.constructions.descriptions import opinion
from tf_seq2seq.data.synthetic.constructions.locations import exists
from tf_seq2seq.data.synthetic.constructions.pairs import meanwhile
from tf_seq2seq.data.synthetic.constructions.reasons import although, because, condition
from tf_seq2seq.data.synthetic.constructions.relative_clauses import relative_subject
from tf_seq2seq.data.synthetic.constructions.tenses import future, now, past
from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import KNOW
from tf_seq2seq.data.synthetic.lexicon.deeds import DEEDS
from tf_seq2seq.data.synthetic.lexicon.kinds import verb
from tf_seq2seq.data.synthetic.lexicon.people import WE, I
from tf_seq2seq.data.synthetic.lexicon.things import COMPARABLE
from tf_seq2seq.data.synthetic.phrases import adult, named_person, someone_else, thing_that

family = Family()


@family.construction(weight=11)
def that_clause(choose: Choose) -> Clause:
    """Report a thought or speech: the clause follows unchanged.

    I think that the coat that she bought yesterday is too expensive. / 我觉得她昨天买的外套太贵了。
    """
    who = adult(choose)
    verbs = [
        *[((who.present(verb("think")), "觉得"), choose((opinion, relative_subject)))] * 2,
        ((who.present(KNOW), "知道"), choose(FACTS)),
        ((who.present(verb("believe")), "相信"), choose(FACTS)),
        ((f"{who.have} heard", "听说"), choose(FACTS)),
    ]
    if who.pronoun not in (I, WE):
        verbs.append(((who.present(verb("say")), "说"), choose(FACTS + REASONED)))
    (thinks, thinks_zh), clause = choose(verbs)
    while True:
        en, zh = clause(choose)
        # Avoid "I know that I am singing" and "that that".
        if f" {who.en} " not in f" {en} " and not en.startswith("that "):
            return f"{who.en} {thinks} that {en}", f"{who.zh}{thinks_zh}{zh}"


FACTS = (past, future, now, relative_subject, compared_things, exists, skill, superlative, lived)
REASONED = (because, because, although, although, condition, meanwhile)


@family.construction(weight=4)
def disagreement(choose: Choose) -> Clause:
    """Contrast two opinions on things with relative clauses: the longest sentences.

    Tom says that the film that we saw last week was very long, but Anna thinks that it was not
    very long. / 汤姆说我们上周看的电影很长，但是安娜觉得不太长。
    """
    who = named_person(choose)
    whom = someone_else(choose, who, named_person)
    (noun, noun_zh), thing, is_ = thing_that(choose, apart=(who, whom))
    trait = choose(thing.qualities)
    it = "it" if is_ in ("is", "was") else "they"
    rivals = [deed for deed in DEEDS if thing.en in [thing.en for thing in deed.things]]
    while True:
        (rival, rival_zh), another, are = thing_that(choose, rivals, apart=(who, whom))
        if rival != noun and trait in another.qualities:
            break
    not_very = (f"{it} {is_} not very {trait.en}", f"不太{trait.zh}")
    more = (f"{rival} {are} {trait.more}", f"{rival_zh}更{trait.zh}")
    thought, thought_zh = choose((not_very, more if trait in COMPARABLE else not_very))
    return (
        f"{who.en} says that {noun} {is_} very {trait.en}, but {whom.en} thinks that {thought}",
        f"{who.zh}说{noun_zh}很{trait.zh}，但是{whom.zh}觉得{thought_zh}",
    )
