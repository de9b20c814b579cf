"""Comparatives (比), equality (一样, 没有…那么) and superlatives (最)."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import BUY, EAT, READ, RECEIVE, SEE, TAKE
from tf_seq2seq.data.synthetic.lexicon.kinds import Quality, Thing, phrases
from tf_seq2seq.data.synthetic.lexicon.people import (
    FAMILY,
    FRIENDS,
    HE,
    NAMES,
    PRONOUNS,
    SHE,
    SIBLINGS,
    YOUNG,
    I,
)
from tf_seq2seq.data.synthetic.lexicon.things import (
    BEAUTIFUL,
    BIG,
    BOOKS,
    BORING,
    CAKES,
    CHEAP,
    COMPARABLE,
    DEVICES,
    DRESSES,
    EXPENSIVE,
    FILMS,
    FLOWERS,
    FRUIT,
    FURNITURE,
    GOODS,
    HATS,
    INTERESTING,
    LETTERS,
    LONG,
    PETS,
    PHOTOS,
    SHIRTS,
    TABLES,
    TASTY_FOOD,
    USEFUL,
)
from tf_seq2seq.data.synthetic.lexicon.times import NUMBERS
from tf_seq2seq.data.synthetic.phrases import (
    adult,
    described,
    someone_else,
    thing_that,
    without_qualities,
)

family = Family()


@family.construction(weight=6)
def compared_people(choose: Choose) -> Clause:
    """Compare people: an "older" person is 大.

    Tom is two years older than my friend. / 汤姆比我的朋友大两岁。
    """
    peers = FRIENDS + NAMES + PRONOUNS[1:3]
    base, more, zh, people = choose(
        (
            ("old", "older", "大", peers),
            # A short person is 矮; a short dress is 短.
            ("tall", "taller", "高", peers + FAMILY[:8] + YOUNG[4:]),
            ("short", "shorter", "矮", peers + FAMILY[:8] + YOUNG[4:]),
            ("busy", "busier", "忙", peers + FAMILY[:8]),
        )
    )
    who = choose(people)
    whom = someone_else(
        choose, who, lambda choose: choose((PRONOUNS[0], choose(people), choose(people)))
    )
    left, am, years = who.en, who.am, choose(NUMBERS)
    by_years = (
        f"{left} {am} {years.en} years older than {whom.me}",
        f"{who.zh}比{whom.zh}大{years.zh}岁",
    )
    pairs = (
        (f"{left} {am} {more} than {whom.me}", f"{who.zh}比{whom.zh}{zh}"),
        (f"{left} {am} much {more} than {whom.me}", f"{who.zh}比{whom.zh}{zh}得多"),
        (f"{left} {am} a little {more} than {whom.me}", f"{who.zh}比{whom.zh}{zh}一点儿"),
        (f"{left} {am} not as {base} as {whom.me}", f"{who.zh}没有{whom.zh}那么{zh}"),
        (f"{left} {am} as {base} as {whom.me}", f"{who.zh}跟{whom.zh}一样{zh}"),
    )
    return choose((*pairs, by_years, by_years) if base == "old" else pairs)


@family.construction(weight=7)
def compared_things(choose: Choose) -> Clause:
    """Compare things: an "older" thing is 旧.

    This coat is much more expensive than that one. / 这件外套比那件贵得多。
    """
    thing = choose(GOODS + FURNITURE + TABLES + 2 * (FRUIT + CAKES))
    like = choose([like for like in thing.qualities if like in COMPARABLE])
    one, _, zh = described(choose, without_qualities(thing))
    that = f"那{thing.measure}"
    this = f"这{thing.measure}{zh}"
    who = choose((I, HE, SHE))
    whom = choose([owner for owner in (I, HE, SHE) if owner is not who])
    yours = {I: "mine", HE: "his", SHE: "hers"}[whom]
    mine = (f"{who.my} {one}", f"{who.zh}的{zh}", yours, f"{whom.zh}的")
    owned = thing not in FILMS + DRESSES + FRUIT + CAKES
    left, left_zh, right, right_zh = choose(
        ((f"this {one}", this, "that one", that), *([mine] if owned else []))
    )
    what, what_zh, bought, is_, trait = compared_deed(choose)
    return choose(
        (
            (
                f"{what} {is_} {trait.more} than this one",
                f"{what_zh}比这{bought.measure}{trait.zh}",
            ),
            (
                f"{what} {is_} much {trait.more} than this one",
                f"{what_zh}比这{bought.measure}{trait.zh}得多",
            ),
            (f"{left} is {like.more} than {right}", f"{left_zh}比{right_zh}{like.zh}"),
            (f"{left} is much {like.more} than {right}", f"{left_zh}比{right_zh}{like.zh}得多"),
            (f"{left} is not as {like.en} as {right}", f"{left_zh}没有{right_zh}那么{like.zh}"),
            (f"{left} is as {like.en} as {right}", f"{left_zh}跟{right_zh}一样{like.zh}"),
        )
    )


def compared_deed(choose: Choose) -> tuple[str, str, Thing, str, Quality]:
    """Choose a thing with a relative clause, and a quality to compare.

    Returns:
        The noun with its clause in English and in Chinese, the thing, its "is" or "was" and the
        quality.
    """
    while True:
        (what, what_zh), thing, is_ = thing_that(choose)
        traits = [like for like in thing.qualities if like in COMPARABLE]
        if traits and is_ in ("is", "was"):
            return what, what_zh, thing, is_, choose(traits)


@family.construction(weight=10)
def superlative(choose: Choose) -> Clause:
    """Use the superlative 最: with "ever", Chinese takes 过.

    This is the most interesting film that I have ever seen. / 这是我看过的最有趣的电影。
    """
    who = adult(choose)
    act, zh, kinds, qualities = choose(SUPERLATIVES)
    thing, like = choose(kinds), choose(qualities)
    group, group_zh = choose(phrases(("our class", "我们班"), ("this school", "这所学校")))
    most, most_zh = choose(phrases(("tallest", "高"), ("youngest", "小")))
    pupil = choose(choose((NAMES, SIBLINGS, FRIENDS[:2], YOUNG[2:])))
    return choose(
        (
            (
                f"this is the {like.most} {thing.en} that {who.en} {who.have} ever {act.done}",
                f"这是{who.zh}{zh}过的最{like.zh}的{thing.zh}",
            ),
            (
                f"this is the {like.most} {thing.en} that {who.en} {who.have} ever {act.done}",
                f"这是{who.zh}{zh}过的最{like.zh}的{thing.zh}",
            ),
            (
                f"{pupil.en} is the {most} student in {group}",
                f"{pupil.zh}是{group_zh}最{most_zh}的学生",
            ),
        )
    )


# Seeing a film is 看, seeing a flower 见.
SUPERLATIVES = (
    (SEE, "看", FILMS, (INTERESTING, BORING, LONG)),
    (SEE, "见", FLOWERS + PETS[1:], (BEAUTIFUL, BIG)),
    (READ, "看", BOOKS, (INTERESTING, BORING, USEFUL)),
    (RECEIVE, "收到", LETTERS, (LONG, INTERESTING)),
    (TAKE, "拍", PHOTOS, (BEAUTIFUL, INTERESTING)),
    (EAT, "吃", FRUIT + CAKES, (TASTY_FOOD, TASTY_FOOD, BIG)),
    (BUY, "买", SHIRTS + HATS + DEVICES, (EXPENSIVE, CHEAP, CHEAP)),
)
