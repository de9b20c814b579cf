"""The embedded corpus: English-Chinese sentence pairs written by a synchronous grammar.

It needs no download, and shows in small what makes translation from English into Chinese hard:
time and place move before the verb, relative clauses before the noun, questions keep their words
in place, nouns take measure words, verbs take particles, and many an English word (old, play,
light, bank, wear, lose) can only be translated once its neighbours are known.

The Chinese is a function of the English: nothing in it is left to taste. The words
stand in `tf_seq2seq.data.lexicon`; here they become phrases, and the phrases constructions, each of
which documents itself by a pair.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from tf_seq2seq.data.grammar import Choose, Example, Grammar, deal

# fmt: off
# isort: off
from tf_seq2seq.data.lexicon import (
    ACTIVITIES, AFTERNOON, ATTRIBUTES, BAGS, BEACH, BEAUTIFUL, BIG, BOOKS, BORING, BORROW,
    BUILDINGS, BUS, BUY, CAKES, CARS, CHEAP, CHORES, CINEMA, CITIES, CLASSROOM, COMFORTABLE, CUPS,
    DANCE, DEEDS, DEVICES, DRAW, DRESSES, DRINK, DRINKS, DURATIONS, EAT, EVENING, EVERY, EXPENSIVE,
    FAMILY, FILMS, FIND, FISH, FLOWERS, FRIENDS, FRUIT, FURNITURE, GARDEN, GIFTS, GIVE, GO, GOING,
    HARD_QUESTION, HARD_SEAT, HATS, HAVE, HE, HEAVY, HOME, HOURS, HOUSES, I, INTERESTING, KEYS,
    KITCHEN, LEND, LETTERS, LIBRARY, LIGHT, LIKE, LISTEN, LIVING_ROOM, LONG, LOSE, MARKET, MORNING,
    MUSEUM, NAMES, NEAR, NEED, NEW, NOTHING, NUMBERS, OFTEN, OLD, ONCE, PARK, PETS, PHOTOS, PLAY,
    PORTABLE, PRONOUNS, QUESTIONS, READ, RECEIVE, RECENT_DAYS, RECENTLY, REPAIR, RIVER, RIVERBANK,
    RUN, SEASONS, SEE, SELL, SEND, SHE, SHIRTS, SHOP, SHORT, SING, SLEEP, SMALL, SOMEDAY, SOON,
    STATION, STRANGERS, STUDENTS, SUPERMARKET, SWIM, TABLES, TAKE, TENS, THEY, TOGETHER, TRAIN,
    TREES, USEFUL, VISIT, WANT, WARM, WASH, WE, YOU, YOUNG, YOUR_FAMILY, YOUR_FRIENDS,
    Action, Deed, Person, Phrase, Thing, Verb,
    phrases, things, verb,
)
# isort: on
# fmt: on
from tf_seq2seq.data.pairs import Corpus

grammar = Grammar(shortest=3, longest=40)


def embedded_corpus(seed: int = 1, train: int = 25_000, dev: int = 500, test: int = 500) -> Corpus:
    """English-Chinese sentence pairs from the grammar of this module.

    Args:
        seed: the same seed gives the same corpus.
        train: number of training pairs.
        dev: number of development pairs.
        test: number of test pairs. No sentence of either language occurs twice, within a part or
            across parts.

    Returns:
        The corpus: English source sentences, Chinese target sentences, of 3 to 40 tokens each.

    Raises:
        InputError: if a size is negative, or more than the grammar can write.
    """
    pairs = ((example.source, example.target) for example in generate(seed))
    return deal(pairs, train, dev, test)


def generate(seed: int = 1) -> Iterator[Example]:
    """Yields the pairs of the corpus one by one, each with the name of its construction."""
    return grammar.generate(seed)


# --- Phrases --------------------------------------------------------------------------------------


def someone(choose: Choose) -> Person:
    """The subject of a statement."""
    return choose(choose((PRONOUNS, PRONOUNS, FAMILY, FAMILY, FRIENDS, NAMES, STRANGERS, YOUNG)))


def adult(choose: Choose) -> Person:
    """The subject of a statement about what is not a child's business."""
    return choose(choose((PRONOUNS, PRONOUNS, FAMILY, FAMILY, FRIENDS, NAMES, STRANGERS)))


def named(choose: Choose) -> Person:
    """One person, by name or role."""
    return choose([who for who in choose((FAMILY, FRIENDS, NAMES, YOUNG)) if not who.plural])


def asked(choose: Choose) -> Person:
    """The subject of a question."""
    you = Person("you", "你", YOU)
    return choose(choose(((you,), (you,), PRONOUNS[1:3], YOUR_FAMILY, YOUR_FRIENDS, NAMES)))


def other(choose: Choose, than: Person, kind: Callable[[Choose], Person] = someone) -> Person:
    """A second person, clearly not the first, whatever pronouns stand for either."""
    while True:
        who = kind(choose)
        same = who.en == than.en or who.he is than.he or {who.he, than.he} <= {I, WE}
        # After "my friend", a bare "she" would be read as that friend.
        if not same and not (who in PRONOUNS and who.he in (HE, SHE) and than not in PRONOUNS):
            return who


def a(words: str) -> str:
    """The words after their indefinite article."""
    sounds_like_a_vowel = words[0] in "aeiou" and not words.startswith("useful")
    return f"{'an' if sounds_like_a_vowel else 'a'} {words}"


def described(choose: Choose, thing: Thing) -> tuple[str, str, str]:
    """A thing in the singular, in the plural and in Chinese, at times with an attribute."""
    attributes = [Phrase(q.en, q.zh_before) for q in thing.qualities if q in ATTRIBUTES]
    # "A new cup of tea" is no drink: what is measured by the cup or bowl stays bare.
    if " " in thing.en:
        attributes = []
    kinds = [(NOTHING,), attributes, thing.colours]
    en, zh = choose(choose([kind for kind in kinds if kind]))
    return f"{en} {thing.en}".strip(), f"{en} {thing.plural}".strip(), zh + thing.zh


def some(choose: Choose, thing: Thing) -> Phrase:
    """An amount of things: "a new car" / 一辆新汽车, "two red hats" / 两顶红色帽子."""
    one, many, zh = described(choose, thing)
    # Nobody buys nine cars, but a river may well have nine fish in it.
    if thing.en in BULKY:
        numbers = NUMBERS[:1]
    elif thing.en in MANY:
        numbers = NUMBERS
    else:
        numbers = NUMBERS[:4]
    number, zh_number = choose((ONE, ONE, choose(numbers)))
    en = a(one) if number == "a" else f"{number} {many}"
    return Phrase(en, f"{zh_number}{thing.measure}{zh}")


ONE = Phrase("a", "一")
BULKY = [thing.en for thing in CARS + HOUSES + DEVICES + FURNITURE + TABLES + BAGS]
MANY = [thing.en for thing in FISH + FLOWERS + STUDENTS + TREES]


def pointed(choose: Choose, thing: Thing) -> tuple[str, str, str, str]:
    """Things at hand, with their "is" and "was": "this book" / 这本书, "those cars" / 那些汽车."""
    one, many, zh = described(choose, thing)
    return choose(
        (
            (f"this {one}", f"这{thing.measure}{zh}", "is", "was"),
            (f"that {one}", f"那{thing.measure}{zh}", "is", "was"),
            (f"these {many}", f"这些{zh}", "are", "were"),
            (f"those {many}", f"那些{zh}", "are", "were"),
        )
    )


def predicate(choose: Choose, thing: Thing) -> Phrase:
    """What a thing is like: "very interesting" / 很有趣, "too heavy" / 太重了."""
    like = choose(thing.qualities)
    degree = choose(COMPLAINTS if like in FAULTS else DEGREES)
    return Phrase(degree.en.format(like.en), degree.zh.format(like.zh))


DEGREES = phrases(
    ("very {}", "很{}"), ("very {}", "很{}"), ("extremely {}", "非常{}"), ("not very {}", "不太{}")
)
# 有点儿 and 太 find fault: they do not go with praise.
COMPLAINTS = DEGREES[:3] + phrases(("too {}", "太{}了"), ("a little {}", "有点儿{}"))
FAULTS = (OLD, BIG, SMALL, EXPENSIVE, BORING, LONG, SHORT, HARD_SEAT, HARD_QUESTION, HEAVY)


def deed_with(choose: Choose) -> tuple[Deed, Action]:
    """Something done to an amount of things: "bought two red hats" / 买了两顶红色帽子."""
    deed = choose(DEEDS)
    en, zh = some(choose, choose(deed.things))
    return deed, Action(deed.verb, en, deed.zh, zh, deed.places, counted=True)


def activity(choose: Choose, kinds=ACTIVITIES) -> tuple[Action, Phrase]:
    """An activity and a place for it."""
    act = choose(kinds)
    return act, choose(act.places)


def company(choose: Choose, who: Person, act: Action) -> Phrase:
    """Perhaps "with his friends" / 和朋友一起, where the activity calls for company."""
    if act not in TOGETHER or who.zh.endswith("朋友"):
        return NOTHING
    return choose((NOTHING, Phrase(f"with {who.he.my} friends", "和朋友一起")))


def clock(choose: Choose, hours: tuple[Phrase, ...]) -> Phrase:
    """Time of day: "at half past seven" / 七点半."""
    hour = choose(hours)
    return choose(
        (
            Phrase(f"at {hour.en} o'clock", f"{hour.zh}点"),
            Phrase(f"at half past {hour.en}", f"{hour.zh}点半"),
            Phrase(f"at a quarter past {hour.en}", f"{hour.zh}点一刻"),
        )
    )


def thing_that(choose: Choose, deeds=DEEDS) -> tuple[Phrase, Thing, str]:
    """Things known by what was done to them, and their "is" or "was".

    "the book that I bought yesterday" / 我昨天买的书: what follows the noun in English precedes
    it in Chinese, where 的 ties the two.
    """
    deed = choose([deed for deed in deeds if deed.things[0].qualities])
    thing = choose([thing for thing in deed.things if thing.qualities])
    if deed.verb in (BORROW, READ):
        # What was not for sale has no price.
        priceless = tuple(like for like in thing.qualities if like not in (CHEAP, EXPENSIVE))
        thing = dataclasses.replace(thing, qualities=priceless)
    if thing in PETS:
        thing = dataclasses.replace(thing, qualities=(BEAUTIFUL,))
    who, when, where = adult(choose), choose(deed.times), choose(deed.places)
    noun, verbs = choose(((thing.en, ("is", "was")), (thing.plural, ("are", "were"))))
    return (
        Phrase(
            f"the {noun} that {who.en} {deed.verb.past} {where.en} {when.en}",
            f"{who.zh}{when.zh}{where.zh}{deed.zh}的{thing.zh}",
        ),
        thing,
        verbs[deed.was],
    )


def person_who(choose: Choose) -> Phrase:
    """A person known by what they are doing: "the girl who is singing" / 正在唱歌的女孩."""
    person = choose(
        phrases(
            ("girl", "女孩"),
            ("boy", "男孩"),
            ("woman", "女人"),
            ("man", "男人"),
            ("student", "学生"),
        )
    )
    act, where = activity(choose)
    return Phrase(
        f"the {person.en} who is {act.ing} {where.en}", f"{progressive(act, where)}的{person.zh}"
    )


def progressive(act: Action, where: Phrase = NOTHING) -> str:
    """正在 once only: 正在看书, 正在图书馆看书."""
    return f"正{where.zh or '在'}{act.zh}"


def visit_family(choose: Choose, who: Person) -> Action:
    """One visits a museum (参观), a city (游览) and one's relatives (看望)."""
    kin = choose(phrases(("grandmother", "奶奶"), ("uncle", "叔叔"), ("aunt", "阿姨")))
    return Action(VISIT, f"{who.he.my} {kin.en}", "看望", kin.zh)


def plan(choose: Choose, who: Person) -> Action:
    """Something that one may intend to do once."""
    deeds = [deed for deed in DEEDS if deed.verb in (BUY, SEE, SELL) and deed.times is ONCE]
    deed = choose(deeds)
    en, zh = some(choose, choose(deed.things))
    return choose(
        (
            visit_family(choose, who),
            choose(GOING),
            Action(deed.verb, en, deed.zh, zh, deed.places, counted=True),
        )
    )


# --- Constructions: statements --------------------------------------------------------------------


@grammar.construction(weight=5)
def short(choose):
    """A subject and little more.

    She swims. / 她游泳。
    """
    who = someone(choose)
    am, was = who.he.am, who.he.was
    en, zh = choose(
        phrases(
            (who.present(SWIM), "游泳"),
            (who.present(verb("agree")), "同意"),
            (f"{who.he.do} not agree", "不同意"),
            (who.present(SING), "唱歌"),
            ("laughed", "笑了"),
            ("left", "走了"),
            # One loses a match (输) or a key (丢).
            ("lost", "输了"),
            ("won", "赢了"),
            (f"{am} tired", "很累"),
            (f"{am} busy", "很忙"),
            (f"{am} hungry", "很饿"),
            (f"{was} late", "迟到了"),
        )
    )
    return f"{who.en} {en}", f"{who.zh}{zh}"


@grammar.construction(weight=3)
def habit(choose):
    """Time and place stand between subject and verb.

    My mother drinks tea in the garden every morning. / 我妈妈每天早上都在花园里喝茶。
    """
    who, when = someone(choose), choose(EVERY)
    act, where = activity(choose)
    pal = company(choose, who, act)
    return (
        f"{who.en} {who.present(act)} {pal.en} {where.en} {when.en}",
        f"{who.zh}{when.zh}都{pal.zh}{where.zh}{act.zh}",
    )


@grammar.construction(weight=3)
def frequency(choose):
    """Adverbs of frequency, at times with a season.

    We often swim in the river in summer. / 我们夏天经常在河里游泳。
    """
    who, often, season = someone(choose), choose(OFTEN), choose((NOTHING, choose(SEASONS)))
    act, where = activity(choose)
    pal = company(choose, who, act)
    return (
        f"{who.en} {often.en} {who.present(act)} {pal.en} {where.en} {season.en}",
        f"{who.zh}{season.zh}{often.zh}{pal.zh}{where.zh}{act.zh}",
    )


@grammar.construction(weight=4)
def clock_time(choose):
    """Times run from the large to the small.

    She has breakfast at half past seven every morning. / 她每天早上七点半吃早饭。
    """
    who = someone(choose)
    every, every_zh, hours, acts = choose(
        (
            ("every morning", "每天早上", MORNING[:4], MORNING_ACTS),
            ("every afternoon", "每天下午", AFTERNOON, ACTIVITIES),
            ("every evening", "每天晚上", EVENING[:3], EVENING_ACTS),
            ("every evening", "每天晚上", HOURS[7:], BEDTIME),
        )
    )
    act, time = choose(acts), clock(choose, hours)
    return (
        f"{who.en} {who.present(act)} {time.en} {every}",
        f"{who.zh}{every_zh}{time.zh}{act.zh}",
    )


MORNING_ACTS = (
    CHORES[1],
    *[Action(verb("get", "got", ing="getting"), "up", "起", "床")] * 3,
    Action(verb("leave", "left"), "home", "出", "门"),
)
BEDTIME = (Action(GO, "to bed", "睡", "觉"),)
EVENING_ACTS = (
    CHORES[0],
    Action(HAVE, "dinner", "吃", "晚饭"),
    Action(verb("come", "came", "come"), "home", "回", "家"),
)


@grammar.construction(weight=5)
def past(choose):
    """A finished deed: 了 after the verb, before the amount.

    He bought two red hats last week. / 他上周买了两顶红色帽子。
    """
    deed, act = deed_with(choose)
    who, when, where = adult(choose), choose(deed.times), choose(deed.places)
    return (
        f"{who.en} {act.past} {where.en} {when.en}",
        f"{who.zh}{when.zh}{where.zh}{act.zh_past}",
    )


@grammar.construction(weight=4)
def past_activity(choose):
    """An activity in the past: 了 ends the sentence. Time may come first in both languages.

    Yesterday afternoon we played football in the park. / 昨天下午我们在公园踢足球了。
    """
    who, when = someone(choose), choose(RECENTLY)
    act, where = activity(choose)
    pal = company(choose, who, act)
    en, zh = f"{act.past} {pal.en} {where.en}", f"{pal.zh}{where.zh}{act.zh}了"
    return choose(
        (
            (f"{who.en} {en} {when.en}", f"{who.zh}{when.zh}{zh}"),
            (f"{when.en} {who.en} {en}", f"{when.zh}{who.zh}{zh}"),
        )
    )


@grammar.construction(weight=5)
def now(choose):
    """The progressive: 正在.

    The children are playing chess in the garden. / 孩子们正在花园里下棋。
    """
    who = someone(choose)
    act, where = activity(choose, ACTIVITIES + CHORES)
    return f"{who.en} {who.he.am} {act.ing} {where.en}", f"{who.zh}{progressive(act, where)}"


@grammar.construction(weight=2)
def wearing(choose):
    """Clothes are worn (穿), hats and the like are put on (戴).

    The girl is wearing a red hat. / 那个女孩戴着一顶红色帽子。
    """
    who = choose((named(choose), *PRONOUNS[1:3], *STRANGERS[:2]))
    clothes = SHIRTS + DRESSES if who.he is SHE else SHIRTS
    wear, kinds = choose((("穿", clothes), ("戴", HATS)))
    thing = choose(kinds)
    one, _, zh = described(choose, thing)
    return (f"{who.en} {who.he.am} wearing {a(one)}", f"{who.zh}{wear}着一{thing.measure}{zh}")


@grammar.construction(weight=3)
def future(choose):
    """What will happen (会) and what is intended (打算).

    They are going to visit Beijing next month. / 他们下个月打算游览北京。
    """
    who, when = adult(choose), choose(SOMEDAY)
    act = plan(choose, who)
    will, will_zh = choose(
        (("will", "会"), (f"{who.he.am} going to", "打算"), (who.present(WANT) + " to", "想"))
    )
    return f"{who.en} {will} {act.base} {when.en}", f"{who.zh}{when.zh}{will_zh}{act.zh}"


@grammar.construction(weight=2)
def not_past(choose):
    """The past is denied with 没, and 了 goes.

    My father did not watch television at home last night. / 我爸爸昨晚没在家里看电视。
    """
    who, when = someone(choose), choose(RECENTLY)
    act, where = activity(choose)
    return (
        f"{who.en} did not {act.base} {where.en} {when.en}",
        f"{who.zh}{when.zh}没{where.zh}{act.zh}",
    )


@grammar.construction(weight=3)
def not_habit(choose):
    """Habit and liking are denied with 不.

    My younger sister does not like to swim in the river. / 我妹妹不喜欢在河里游泳。
    """
    who = someone(choose)
    act, where = activity(choose)
    do = who.he.do
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


@grammar.construction(weight=2)
def likes(choose):
    """Liking an activity, and what else one likes.

    Anna likes to play the piano and dance. / 安娜喜欢弹钢琴和跳舞。
    """
    who = someone(choose)
    act, where = activity(choose)
    also = choose([choice for choice in ACTIVITIES if choice.verb is not act.verb])
    like = who.present(LIKE)
    return choose(
        (
            (f"{who.en} {like} to {act.base} {where.en}", f"{who.zh}喜欢{where.zh}{act.zh}"),
            (f"{who.en} {like} to {act.base} and {also.base}", f"{who.zh}喜欢{act.zh}和{also.zh}"),
            (
                f"{who.en} {like} to {act.base}, and also {like} to {also.base}",
                f"{who.zh}喜欢{act.zh}，也喜欢{also.zh}",
            ),
        )
    )


@grammar.construction(weight=3)
def skill(choose):
    """A skill that was learned: "can" is 会.

    My grandfather can speak English and Chinese. / 我爷爷会说英语和中文。
    """
    who = someone(choose)
    act = choose([act for act in ACTIVITIES if act.verb in (PLAY, SWIM, DANCE)])
    one, two = choose(LANGUAGES), choose(LANGUAGES)
    en, zh = choose(
        (
            (act.base, act.zh),
            ("drive", "开车"),
            ("ride a bicycle", "骑自行车"),
            (f"speak {one.en}", f"说{one.zh}"),
            (f"speak {one.en} and {two.en}", f"说{one.zh}和{two.zh}")
            if one != two
            else ("cook", "做饭"),
        )
    )
    can, can_zh = choose((("can", "会"), ("cannot", "不会")))
    if can == "cannot":
        # "Cannot speak English and French" would leave open which of the two it is.
        en, zh = en.partition(" and ")[0], zh.partition("和")[0]
    return f"{who.en} {can} {en}", f"{who.zh}{can_zh}{zh}"


LANGUAGES = phrases(
    ("English", "英语"), ("Chinese", "中文"), ("French", "法语"), ("Japanese", "日语")
)


@grammar.construction(weight=4)
def modal(choose):
    """Duty and permission.

    You should clean the room tomorrow. / 你明天应该打扫房间。
    """
    who = choose((Person("you", "你", YOU), someone(choose)))
    duty = phrases(("must", "必须"), ("should", "应该"), (f"{who.present(NEED)} to", "需要"))
    freedom = phrases(("may", "可以"), ("should not", "不应该"))
    words, acts = choose(((duty, DUTIES), (freedom, ACTIVITIES)))
    must, (act, where) = choose(words), activity(choose, acts)
    when = choose((*SOON[:4], Phrase("today", "今天")))
    return (
        f"{who.en} {must.en} {act.base} {where.en} {when.en}",
        f"{who.zh}{when.zh}{must.zh}{where.zh}{act.zh}",
    )


DUTIES = (CHORES[0], *CHORES[3:5], CHORES[6], *ACTIVITIES[-3:])


@grammar.construction(weight=5)
def opinion(choose):
    """A thing at hand and what it is like; "old" is 旧 here, and "light" is 轻.

    This umbrella is very light. / 这把雨伞很轻。
    """
    thing = choose(GOODS + 2 * FURNITURE + TABLES + 6 * QUESTIONS + 4 * DRESSES)
    like = predicate(choose, thing)
    # The attribute must not say what the predicate says.
    bare = dataclasses.replace(thing, qualities=())
    en, zh, is_, _ = pointed(choose, bare)
    return f"{en} {is_} {like.en}", f"{zh}{like.zh}"


GOODS = BOOKS + FILMS + SHIRTS + DRESSES + HATS + BAGS + DEVICES + CARS


@grammar.construction(weight=2)
def looks(choose):
    """How people are; "old" is 老 here, and "short" is 矮.

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
    verb_en, verb_zh = choose(((who.he.am, ""), (who.present(verb("look")), "看起来")))
    if degree.en.startswith("not"):
        verb_en, verb_zh = who.he.am, ""
    return (
        f"{who.en} {verb_en} {degree.en.format(en)} {when.en}",
        f"{who.zh}{when.zh}{verb_zh}{degree.zh.format(zh)}",
    )


@grammar.construction(weight=4)
def manner(choose):
    """How well one does something: the verb comes last, with 得.

    My older sister plays the piano very well. / 我姐姐钢琴弹得很好。
    """
    who, rival = someone(choose), None
    act, (well, well_zh), (better, better_zh) = choose(MANNERS)
    rival = other(choose, who)
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
                f"{who.en} {who.he.do} not {act.base} very {well}",
                f"{who.zh}{topic}{act.zh_verb}得不太{well_zh}",
            ),
        )
    )


WELL = (("well", "好"), ("better", "好"))
FAST = (("fast", "快"), ("faster", "快"))
MANNERS = (
    (Action(PLAY, "the piano", "弹", "钢琴"), *WELL),
    (Action(PLAY, "the violin", "拉", "小提琴"), *WELL),
    (Action(PLAY, "football", "踢", "足球"), *WELL),
    (Action(PLAY, "chess", "下", "棋"), *WELL),
    (Action(verb("speak"), "English", "说", "英语"), *WELL),
    (Action(verb("speak"), "Chinese", "说", "中文"), *WELL),
    (Action(SING, "", "唱", "歌"), *WELL),
    (Action(SWIM, "", "游", "泳"), *FAST),
    (Action(RUN, "", "跑", "步"), *FAST),
)


@grammar.construction(weight=3)
def duration(choose):
    """The time that something took stands between verb and object.

    He played the guitar at home for two hours last night. / 他昨晚在家里弹了两个小时吉他。
    """
    who, when, time = someone(choose), choose(RECENTLY), choose(DURATIONS)
    act, where = activity(choose, (*ACTIVITIES, *CHORES[:1], NAP, NAP))
    return (
        f"{who.en} {act.past} {where.en} for {time.en} {when.en}",
        f"{who.zh}{when.zh}{where.zh}{act.zh_verb}了{time.zh}{act.zh_object}",
    )


NAP = Action(SLEEP, "", "睡", "觉", (HOME, TRAIN, LIVING_ROOM))


@grammar.construction(weight=2)
def lived(choose):
    """Longer times, with or without an end.

    My parents have lived in Paris for three years. / 我父母在巴黎住了三年了。
    """
    who, (city, city_zh), (n, n_zh) = adult(choose), choose(CITIES), choose(NUMBERS)
    unit, unit_zh = choose(phrases(("years", "年"), ("months", "个月")))
    act = choose((ACTIVITIES[-3], ACTIVITIES[-2]))
    return choose(
        (
            (f"{who.en} lived in {city} for {n} {unit}", f"{who.zh}在{city_zh}住了{n_zh}{unit_zh}"),
            (
                f"{who.en} {who.he.have} lived in {city} for {n} {unit}",
                f"{who.zh}在{city_zh}住了{n_zh}{unit_zh}了",
            ),
            (
                f"{who.en} {who.he.have} studied {act.object} for {n} {unit}",
                f"{who.zh}学了{n_zh}{unit_zh}{act.zh_object}了",
            ),
            (f"{who.en} used to live in {city}", f"{who.zh}以前住在{city_zh}"),
        )
    )


@grammar.construction(weight=4)
def experience(choose):
    """Experience: 过, and how often.

    I have never ridden a horse. / 我从来没骑过马。
    """
    who, (city, city_zh), (n, n_zh) = adult(choose), choose(CITIES), choose(NUMBERS[1:])
    (en, zh, zh_object), have = choose(EXPERIENCES), who.he.have
    times, times_zh = choose(
        phrases(("once", "一次"), ("twice", "两次"), (f"{n} times", f"{n_zh}次"))
    )
    return choose(
        (
            (f"{who.en} {have} been to {city} {times}", f"{who.zh}去过{times_zh}{city_zh}"),
            (f"{who.en} {have} never been to {city}", f"{who.zh}从来没去过{city_zh}"),
            (f"{who.en} {have} never {en}", f"{who.zh}从来没{zh}过{zh_object}"),
            (f"{who.en} {have} {en} {times}", f"{who.zh}{zh}过{times_zh}{zh_object}"),
        )
    )


EXPERIENCES = (
    ("ridden a horse", "骑", "马"),
    ("eaten Japanese food", "吃", "日本菜"),
    ("eaten French food", "吃", "法国菜"),
    ("visited the museum", "参观", "博物馆"),
    ("seen this film", "看", "这部电影"),
    ("played tennis", "打", "网球"),
)


@grammar.construction(weight=3)
def already(choose):
    """Already (已经…了) and not yet (还没).

    The students have already finished the homework. / 学生们已经做完作业了。
    """
    who = someone(choose)
    en, done, undone = choose(
        (
            ("finished the homework", "做完作业", "做完作业"),
            ("had dinner", "吃过晚饭", "吃晚饭"),
            ("had lunch", "吃过午饭", "吃午饭"),
            ("left home", "出门", "出门"),
            ("come home", "回家", "回家"),
            ("cleaned the room", "打扫完房间", "打扫房间"),
            ("washed the clothes", "洗完衣服", "洗衣服"),
            ("found the keys", "找到钥匙", "找到钥匙"),
            ("read this novel", "看过这本小说", "看这本小说"),
            ("seen that film", "看过那部电影", "看那部电影"),
            ("visited the museum", "参观过博物馆", "参观博物馆"),
        )
    )
    have = who.he.have
    return choose(
        (
            (f"{who.en} {have} already {en}", f"{who.zh}已经{done}了"),
            (f"{who.en} {have} not {en} yet", f"{who.zh}还没{undone}"),
        )
    )


@grammar.construction(weight=3)
def focus(choose):
    """Only (只), also (也) and again (又) stand before the verb.

    I also bought an orange at the market yesterday. / 我昨天也在市场买了一个橙子。
    """
    deed, act = deed_with(choose)
    who, when, where = adult(choose), choose(deed.times), choose(deed.places)
    adverb, adverb_zh = choose(phrases(("only", "只"), ("also", "也")))
    late = choose(RECENTLY)
    return choose(
        (
            (
                f"{who.en} {adverb} {act.past} {where.en} {when.en}",
                f"{who.zh}{when.zh}{adverb_zh}{where.zh}{act.zh_past}",
            ),
            (
                f"{who.en} {act.past} {where.en} again {when.en}",
                f"{who.zh}{when.zh}又{where.zh}{act.zh_past}",
            ),
            (f"{who.en} {who.he.was} late again {late.en}", f"{who.zh}{late.zh}又迟到了"),
        )
    )


@grammar.construction(weight=3)
def gives(choose):
    """Two objects: 给 and the receiver come before the thing.

    My grandmother gave me a red scarf. / 我奶奶给了我一条红色围巾。
    """
    who = adult(choose)
    to, when = other(choose, who), choose((NOTHING, choose(ONCE)))
    thing = choose(BOOKS + HATS + SHIRTS + BAGS + GIFTS + DEVICES + FLOWERS)
    what = some(choose, thing)
    gave, gave_zh = choose(
        phrases(
            (GIVE.past, "给了{}"),
            (SEND.past, "给{}寄了"),
            (BUY.past, "给{}买了"),
            (LEND.past, "借给了{}"),
            ("brought", "给{}带了"),
        )
    )
    if gave in (LEND.past, SEND.past):
        what = some(choose, choose(BOOKS))
    return (
        f"{who.en} {gave} {to.me} {what.en} {when.en}",
        f"{who.zh}{when.zh}{gave_zh.format(to.zh)}{what.zh}",
    )


@grammar.construction(weight=2)
def put(choose):
    """把 with a place.

    Peter put the keys on the table. / 彼得把钥匙放在桌子上了。
    """
    who, when = someone(choose), choose((NOTHING, choose(RECENTLY)))
    spot, thing = choose(SPOTS), choose(KEYS + BOOKS + DEVICES + HATS + LETTERS)
    noun = choose((thing.en, thing.plural))
    the, the_zh = choose((("the", ""), ("the", ""), (who.he.my, f"{who.he.zh}的")))
    return (
        f"{who.en} put {the} {noun} {spot.en} {when.en}",
        f"{who.zh}{when.zh}把{the_zh}{thing.zh}放在{spot.zh}了",
    )


SPOTS = phrases(
    ("on the table", "桌子上"),
    ("on the bed", "床上"),
    ("on the chair", "椅子上"),
    ("under the bed", "床下面"),
    ("in the box", "箱子里"),
    ("in the bag", "包里"),
)


def phrasal(base: Verb, particle: str) -> Verb:
    """ "turn" and "off" make "turn off", "turned off" and so on."""
    return Verb(*(f"{form} {particle}" for form in dataclasses.astuple(base)))


WINDOWS = things(("window", "窗户", "扇"))
LAMPS = things(("light", "灯", "盏"), ("television", "电视", "台"))
BREAK = verb("break", "broke", "broken")
STEAL = verb("steal", "stole", "stolen")
OPEN, TURN = verb("open"), verb("turn")
DAMAGES = (
    (BREAK, "打破", CUPS),
    (LOSE, "弄丢", KEYS + BAGS + BOOKS),
    (EAT, "吃掉", CAKES + FRUIT),
    (SELL, "卖掉", CARS + HOUSES),
)
HANDLINGS = (
    *DAMAGES,
    (REPAIR, "修好", CARS + DEVICES),
    (WASH, "洗干净", SHIRTS + CARS + CUPS),
    (OPEN, "打开", WINDOWS),
    (phrasal(TURN, "off"), "关掉", LAMPS),
    (phrasal(TURN, "on"), "打开", LAMPS),
)


@grammar.construction(weight=4)
def handled(choose):
    """把 with a result; "light" is a lamp (灯) here.

    My mother turned off the light last night. / 我妈妈昨晚把灯关掉了。
    """
    who, when = someone(choose), choose((NOTHING, choose(RECENTLY)))
    act, zh, kinds = choose(HANDLINGS)
    thing = choose(kinds)
    return (f"{who.en} {act.past} the {thing.en} {when.en}", f"{who.zh}{when.zh}把{thing.zh}{zh}了")


@grammar.construction(weight=2)
def passive(choose):
    """The passive 被, which Chinese keeps for mishaps.

    The cup was broken by my younger brother. / 杯子被我弟弟打破了。
    """
    who, owner, when = someone(choose), someone(choose), choose((NOTHING, choose(RECENTLY)))
    act, zh, kinds = choose(DAMAGES)
    thing = choose(kinds)
    stolen = choose(BAGS + DEVICES + CARS)
    return choose(
        (
            (
                f"the {thing.en} was {act.done} by {who.me} {when.en}",
                f"{thing.zh}{when.zh}被{who.zh}{zh}了",
            ),
            (
                f"{owner.he.my} {stolen.en} was stolen {when.en}",
                f"{owner.he.zh}的{stolen.zh}{when.zh}被偷了",
            ),
        )
    )


@grammar.construction(weight=7)
def exists(choose):
    """有 after the place, with a measure word.

    There are three cats under the table. / 桌子下面有三只猫。
    """
    (place, place_zh), kinds = choose(SCENES)
    thing = choose(kinds)
    what = some(choose, thing)
    is_ = "is" if what.en.split()[0] in ("a", "an") else "are"
    there_is = (f"there {is_} {what.en} {place}", f"{place_zh}有{what.zh}")
    building = choose(BUILDINGS)
    (spot, spot_zh), one = choose(LANDMARKS), f"一{building.measure}{building.zh}"
    return choose(
        (
            there_is,
            there_is,
            (f"there are many {thing.plural} {place}", f"{place_zh}有很多{thing.zh}"),
            (f"there are no {thing.plural} {place}", f"{place_zh}没有{thing.zh}"),
            (f"there is a {building.en} {spot}", f"{spot_zh}有{one}"),
        )
    )


LANDMARKS = phrases(("next to the station", "车站旁边"), ("near my house", "我家附近"))
SCENES = (
    (Phrase("on the table", "桌子上"), BOOKS + KEYS + FRUIT + DRINKS + CUPS),
    (Phrase("under the table", "桌子下面"), PETS[:2]),
    (Phrase("in the bag", "包里"), BOOKS + KEYS + LETTERS + FRUIT),
    (Phrase("in the box", "箱子里"), HATS + CUPS + PHOTOS + FRUIT),
    (Phrase("in the kitchen", "厨房里"), TABLES + CAKES + FISH + CUPS),
    (Phrase("in the garden", "花园里"), TREES + FLOWERS + PETS),
    (Phrase("in the classroom", "教室里"), STUDENTS + TABLES + FURNITURE[:1] + DEVICES[2:3]),
    (Phrase("in the river", "河里"), FISH),
)


@grammar.construction(weight=3)
def located(choose):
    """Places by the side of places; this "bank" is a 银行.

    The bank is next to the station. / 银行在车站旁边。
    """
    building, landmark = choose(BUILDINGS), choose(BUILDINGS)
    near, near_zh = choose(NEAR)
    if building is landmark:
        landmark = Thing("station", "stations", "车站", "个")
    spot, thing = choose(SPOTS), choose(KEYS + BOOKS + HATS + DEVICES)
    who = someone(choose).he
    return choose(
        (
            (
                f"the {building.en} is {near} the {landmark.en}",
                f"{building.zh}在{landmark.zh}{near_zh}",
            ),
            (
                f"there is a {building.en} {near} the {landmark.en}",
                f"{landmark.zh}{near_zh}有一{building.measure}{building.zh}",
            ),
            (f"{who.my} {thing.en} is {spot.en}", f"{who.zh}的{thing.zh}在{spot.zh}"),
            (f"{who.my} {thing.plural} are not {spot.en}", f"{who.zh}的{thing.zh}不在{spot.zh}"),
        )
    )


# --- Constructions: relative clauses --------------------------------------------------------------


@grammar.construction(weight=8)
def relative_subject(choose):
    """A relative clause stands before its noun.

    The book that I bought yesterday is very interesting. / 我昨天买的书很有趣。
    """
    what, thing, is_ = thing_that(choose)
    like = predicate(choose, thing)
    return f"{what.en} {is_} {like.en}", f"{what.zh}{like.zh}"


@grammar.construction(weight=4)
def relative_object(choose):
    """A relative clause inside the object; the English ends with what Chinese says in the middle.

    Mary lost the umbrella that her mother bought last week. / 玛丽把她妈妈上周买的雨伞弄丢了。
    """
    who = adult(choose)
    what, _, _ = thing_that(choose, LASTING)
    return choose(
        (
            (f"{who.en} lost {what.en}", f"{who.zh}把{what.zh}弄丢了"),
            (f"{who.en} {who.present(LIKE)} {what.en}", f"{who.zh}喜欢{what.zh}"),
            (f"{who.en} {who.he.do} not like {what.en}", f"{who.zh}不喜欢{what.zh}"),
        )
    )


LASTING = tuple(
    deed
    for deed in DEEDS
    if deed.verb in (BUY, BORROW, RECEIVE) and deed.things[0] in (*PORTABLE, *BOOKS, *LETTERS)
)


@grammar.construction(weight=4)
def relative_person(choose):
    """People known by what they are doing; one knows (认识) a person.

    I know the girl who is playing the piano at home. / 我认识正在家里弹钢琴的女孩。
    """
    who, whom = someone(choose), person_who(choose)
    role, role_zh = choose((("neighbour", "邻居"), ("friend", "朋友")))
    return choose(
        (
            (f"{who.en} {who.present(verb('know'))} {whom.en}", f"{who.zh}认识{whom.zh}"),
            (f"{whom.en} is {who.he.my} {role}", f"{whom.zh}是{who.he.zh}的{role_zh}"),
        )
    )


@grammar.construction(weight=2)
def witnessed(choose):
    """Seeing someone do something.

    We saw two boys playing basketball in the park. / 我们看见两个男孩在公园打篮球。
    """
    who, when = someone(choose), choose((NOTHING, choose(RECENTLY)))
    act = choose(OUTDOORS)
    where = choose([place for place in act.places if place in OUTSIDE])
    boys, boys_zh = choose(
        phrases(("boys", "男孩"), ("girls", "女孩"), ("children", "孩子"), ("students", "学生"))
    )
    number, number_zh = choose(NUMBERS[:5])
    return (
        f"{who.en} saw {number} {boys} {act.ing} {where.en} {when.en}",
        f"{who.zh}{when.zh}看见{number_zh}个{boys_zh}{where.zh}{act.zh}",
    )


OUTSIDE = (PARK, BEACH, GARDEN, RIVERBANK, RIVER)
OUTDOORS = tuple(act for act in ACTIVITIES if set(OUTSIDE) & set(act.places))

# --- Constructions: comparison --------------------------------------------------------------------


@grammar.construction(weight=4)
def compared_people(choose):
    """People compared with 比; an "older" person is 大, not 旧.

    Tom is two years older than my friend. / 汤姆比我的朋友大两岁。
    """
    peers = FRIENDS + NAMES + PRONOUNS[1:3]
    base, more, zh, people = choose(
        (
            ("old", "older", "大", peers),
            # A short person is 矮, a short dress 短.
            ("tall", "taller", "高", peers + FAMILY[:8] + YOUNG[4:]),
            ("short", "shorter", "矮", peers + FAMILY[:8] + YOUNG[4:]),
            ("busy", "busier", "忙", peers + FAMILY[:8]),
        )
    )
    who = choose(people)
    whom = other(choose, who, lambda choose: choose((PRONOUNS[0], choose(people))))
    left, am, years = who.en, who.he.am, choose(NUMBERS)
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
    return choose((*pairs, by_years) if base == "old" else pairs)


@grammar.construction(weight=4)
def compared_things(choose):
    """Things compared with 比; an "older" thing is 旧.

    This coat is much more expensive than that one. / 这件外套比那件贵得多。
    """
    thing = choose(GOODS + FURNITURE + TABLES)
    like = choose([like for like in thing.qualities if like in COMPARABLE])
    one, _, zh = described(choose, dataclasses.replace(thing, qualities=()))
    that = f"那{thing.measure}"
    this = f"这{thing.measure}{zh}"
    who = choose((I, HE, SHE, THEY))
    whom = choose([owner for owner in (I, HE, SHE, THEY) if owner is not who])
    mine = f"{who.my} {one}", f"{who.zh}的{zh}", f"{whom.my} {thing.en}", f"{whom.zh}的{thing.zh}"
    left, left_zh, right, right_zh = choose(
        ((f"this {one}", this, "that one", that), *([mine] if thing not in FILMS else []))
    )
    return choose(
        (
            (f"{left} is {like.more} than {right}", f"{left_zh}比{right_zh}{like.zh}"),
            (f"{left} is much {like.more} than {right}", f"{left_zh}比{right_zh}{like.zh}得多"),
            (f"{left} is not as {like.en} as {right}", f"{left_zh}没有{right_zh}那么{like.zh}"),
            (f"{left} is as {like.en} as {right}", f"{left_zh}跟{right_zh}一样{like.zh}"),
        )
    )


COMPARABLE = (*(OLD, EXPENSIVE, CHEAP, INTERESTING, USEFUL), *(BEAUTIFUL, HEAVY, COMFORTABLE))
SUPERB = (INTERESTING, BORING, BEAUTIFUL, EXPENSIVE, CHEAP, BIG)


@grammar.construction(weight=4)
def superlative(choose):
    """最, with a relative clause in English and 过 in Chinese.

    This is the most interesting film that I have ever seen. / 这是我看过的最有趣的电影。
    """
    who = adult(choose)
    act, zh, kinds = choose(
        (
            (SEE, "看", FILMS),
            (READ, "看", BOOKS),
            (EAT, "吃", FRUIT + CAKES),
            (BUY, "买", SHIRTS + HATS + DEVICES),
            (DRAW, "画", FLOWERS),
        )
    )
    thing = choose(kinds)
    like = choose([like for like in thing.qualities if like in SUPERB])
    group, group_zh = choose(phrases(("our class", "我们班"), ("this school", "这所学校")))
    most, most_zh = choose(phrases(("tallest", "高"), ("youngest", "小")))
    pupil = choose((*NAMES, FAMILY[5], FAMILY[7], *FRIENDS[:2], *YOUNG[2:]))
    return choose(
        (
            (
                f"this is the {like.most} {thing.en} that {who.en} {who.he.have} ever {act.done}",
                f"这是{who.zh}{zh}过的最{like.zh}的{thing.zh}",
            ),
            (
                f"this is the {like.most} {thing.en} that {who.en} {who.he.have} ever {act.done}",
                f"这是{who.zh}{zh}过的最{like.zh}的{thing.zh}",
            ),
            (
                f"{pupil.en} is the {most} student in {group}",
                f"{pupil.zh}是{group_zh}最{most_zh}的学生",
            ),
        )
    )


# --- Constructions: numbers, prices, dates --------------------------------------------------------


@grammar.construction(weight=3)
def price(choose):
    """Prices: twenty is 二十, but two hundred 两百.

    This red hat costs eighty yuan. / 这顶红色帽子八十元。
    """
    hundreds = tuple(Phrase(f"{n.en} hundred", f"{n.zh}百") for n in NUMBERS[:8])
    thousands = tuple(Phrase(f"{n.en} thousand", f"{n.zh}千") for n in NUMBERS[:8])
    kinds, prices = choose(
        ((BOOKS + HATS, TENS), (SHIRTS + DRESSES, hundreds), (DEVICES, hundreds + thousands))
    )
    thing, cost = choose(kinds), choose(prices)
    thing = dataclasses.replace(
        thing, qualities=tuple(q for q in thing.qualities if q in (NEW, BIG, SMALL))
    )
    one, _, zh = described(choose, thing)
    this, this_zh = choose((("this", "这"), ("that", "那")))
    more, more_zh = choose(TENS)
    return choose(
        (
            (f"{this} {one} costs {cost.en} yuan", f"{this_zh}{thing.measure}{zh}{cost.zh}元"),
            (
                f"{this} {one} cost me {cost.en} yuan",
                f"{this_zh}{thing.measure}{zh}花了我{cost.zh}元",
            ),
            (
                f"this {one} is {more} yuan cheaper than that one",
                f"这{thing.measure}{zh}比那{thing.measure}便宜{more_zh}元",
            ),
        )
    )


@grammar.construction(weight=4)
def date(choose):
    """Dates run from month to day; hours follow the day.

    The concert begins at half past eight tonight. / 音乐会今晚八点半开始。
    """
    event, event_zh = choose(
        phrases(("concert", "音乐会"), ("meeting", "会议"), ("exam", "考试"), ("party", "晚会"))
    )
    month, month_zh = choose(MONTHS)
    day, day_zh = choose(DAYS)
    when, when_zh, hours = choose(
        (
            ("tonight", "今晚", EVENING),
            ("tomorrow evening", "明天晚上", EVENING),
            ("this Saturday evening", "这周六晚上", EVENING),
        )
        if event in ("concert", "party")
        else (
            ("tomorrow morning", "明天上午", MORNING[2:]),
            ("tomorrow afternoon", "明天下午", AFTERNOON),
            ("next Monday morning", "下周一上午", MORNING[2:]),
        )
    )
    time, who = clock(choose, hours), named(choose)
    return choose(
        (
            (f"the {event} begins {time.en} {when}", f"{event_zh}{when_zh}{time.zh}开始"),
            (f"the {event} is on the {day} of {month}", f"{event_zh}在{month_zh}{day_zh}"),
            (
                f"{who.en} {who.he.was} born on the {day} of {month}",
                f"{who.zh}是{month_zh}{day_zh}出生的",
            ),
        )
    )


MONTHS = phrases(("May", "五月"), ("June", "六月"))
DAYS = phrases(("first", "一号"), ("third", "三号"), ("tenth", "十号"))


@grammar.construction(weight=3)
def transport(choose):
    """How one gets somewhere comes before the going.

    My colleague goes to work by bus every day. / 我的同事每天都坐公共汽车去上班。
    """
    who, (by, by_zh), every = adult(choose), choose(VEHICLES), choose(EVERY[:2])
    when = choose((*RECENTLY[:2], *ONCE[-6:-3]))
    city, city_zh = choose(CITIES[:2])
    place, place_zh = choose(
        phrases(("the station", "车站"), ("the museum", "博物馆"), ("the library", "图书馆"))
    )
    time, time_zh = choose((*DURATIONS[:3], *DURATIONS[5:]))
    return choose(
        (
            (
                f"{who.en} {who.present(GO)} to work {by} {every.en}",
                f"{who.zh}{every.zh}都{by_zh}去上班",
            ),
            (
                f"{who.en} went to {city} by train {when.en}",
                f"{who.zh}{when.zh}坐火车去{city_zh}了",
            ),
            (
                f"it takes {time} to go from {who.he.my} house to {place} {by}",
                f"从{who.he.zh}家{by_zh}去{place_zh}要{time_zh}",
            ),
        )
    )


VEHICLES = phrases(("by bus", "坐公共汽车"), ("by bicycle", "骑自行车"), ("by taxi", "坐出租车"))

# --- Constructions: questions and requests --------------------------------------------------------


@grammar.construction(weight=4, mark="?")
def yes_no(choose):
    """吗 ends a question; the words keep their order.

    Did your younger sister play tennis in the park yesterday? / 你妹妹昨天在公园打网球了吗？
    """
    who = asked(choose)
    act, where = activity(choose)
    every, late, soon = choose(EVERY), choose(RECENTLY), choose(SOON)
    city, city_zh = choose(CITIES)
    do, am, have = who.he.do, who.he.am, who.he.have
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
            (f"{have} {who.en} ever been to {city}", f"{who.zh}去过{city_zh}吗"),
        )
    )


@grammar.construction(weight=6, mark="?")
def what(choose):
    """什么 and 几 stand where the answer will stand.

    What did your mother buy at the market yesterday? / 你妈妈昨天在市场买了什么？
    """
    who, deed = (asked(choose), choose([deed for deed in DEEDS if deed.verb not in (SEE, TAKE)]))
    thing, when, where = choose(deed.things), choose(deed.times), choose(deed.places)
    return choose(
        (
            (
                f"what did {who.en} {deed.verb.base} {where.en} {when.en}",
                f"{who.zh}{when.zh}{where.zh}{deed.zh}了什么",
            ),
            (
                f"how many {thing.plural} did {who.en} {deed.verb.base} {where.en} {when.en}",
                f"{who.zh}{when.zh}{where.zh}{deed.zh}了几{thing.measure}{thing.zh}",
            ),
        )
    )


@grammar.construction(weight=3, mark="?")
def where_when(choose):
    """是…的 asks for the circumstances of what is known to have happened.

    Where did you buy this coat? / 你是在哪儿买这件外套的？
    """
    who = asked(choose)
    deed, zh, kinds = choose(((BUY, "买", PORTABLE + BOOKS), (FIND, "找到", BAGS + KEYS)))
    thing = choose(kinds)
    this, this_zh, _, _ = pointed(choose, dataclasses.replace(thing, qualities=()))
    act, every = choose(ACTIVITIES), choose(EVERY)
    return choose(
        (
            (f"where did {who.en} {deed.base} {this}", f"{who.zh}是在哪儿{zh}{this_zh}的"),
            (f"when did {who.en} {deed.base} {this}", f"{who.zh}是什么时候{zh}{this_zh}的"),
            (
                f"where {who.he.do} {who.en} {act.base} {every.en}",
                f"{who.zh}{every.zh}在哪儿{act.zh}",
            ),
            (f"why {who.he.do} {who.en} like to {act.base}", f"{who.zh}为什么喜欢{act.zh}"),
            (f"where {who.he.am} {who.en} {act.ing}", f"{who.zh}在哪儿{act.zh}"),
        )
    )


@grammar.construction(weight=4, mark="?")
def who_why_how(choose):
    """谁, 为什么, 怎么, 多少.

    Why did you not go to work yesterday? / 你昨天为什么没去上班？
    """
    who = asked(choose)
    damage, zh, kinds = choose(DAMAGES)
    broken, late = choose(kinds), choose(RECENTLY)
    goods = choose(HATS + SHIRTS + BAGS + DEVICES + BOOKS)
    one, _, goods_zh = described(choose, dataclasses.replace(goods, qualities=()))
    building = choose(BUILDINGS)
    act, where = activity(choose)
    came, came_zh = choose(
        phrases(
            ("come to the party", "来参加晚会"), ("go to work", "去上班"), ("call me", "给我打电话")
        )
    )
    return choose(
        (
            (f"who {damage.past} the {broken.en} {late.en}", f"{late.zh}是谁把{broken.zh}{zh}的"),
            (f"who is {act.ing} {where.en}", f"谁{progressive(act, where)}"),
            (f"why did {who.en} not {came} {late.en}", f"{who.zh}{late.zh}为什么没{came_zh}"),
            (f"how {who.he.do} {who.en} go to work", f"{who.zh}怎么去上班"),
            (f"how old is {who.he.my} teacher", f"{who.he.zh}的老师多大了"),
            (f"how much does this {one} cost", f"这{goods.measure}{goods_zh}多少钱"),
            (f"where is the {building.en}", f"{building.zh}在哪儿"),
        )
    )


@grammar.construction(weight=6)
def please(choose):
    """Requests (请) and prohibitions (不要).

    Please put the books on the table. / 请把书放在桌子上。
    """
    act, zh, kinds = choose(HANDLINGS[4:])
    thing, item, spot = choose(kinds), choose(BOOKS + KEYS + HATS + DEVICES), choose(SPOTS)
    first, first_zh = choose(
        phrases(
            ("", ""),
            ("before you go to bed", "睡觉以前"),
            ("before you leave home", "出门以前"),
            ("tomorrow morning", "明天上午"),
        )
    )
    place, place_zh = choose((LIBRARY, MUSEUM, CLASSROOM, TRAIN, BUS, CINEMA))
    loud, loud_zh = choose(
        phrases(
            ("sing", "唱歌"), ("dance", "跳舞"), ("play cards", "打牌"), ("take photos", "拍照片")
        )
    )
    number, number_zh = choose(NUMBERS[1:4])
    times, times_zh = choose((Phrase("twice", "两次"), Phrase(f"{number} times", f"{number_zh}次")))
    every = choose((EVERY[0], *EVERY[5:]))
    gift = some(choose, choose(FRUIT + DRINKS + CUPS))
    return choose(
        (
            (f"please {act.base} the {thing.en} {first}", f"请{first_zh}把{thing.zh}{zh}"),
            (f"please put the {item.plural} {spot.en}", f"请把{item.zh}放在{spot.zh}"),
            (f"please do not put your {item.en} {spot.en}", f"请不要把你的{item.zh}放在{spot.zh}"),
            (f"please do not {loud} {place}", f"请不要{place_zh}{loud_zh}"),
            (f"please give me {gift.en}", f"请给我{gift.zh}"),
            # One takes a bus (坐), a photo (拍) or a medicine (吃).
            (f"please take this medicine {times} {every.en}", f"请{every.zh}吃{times_zh}这种药"),
        )
    )


@grammar.construction(weight=4)
def asks(choose):
    """Someone has someone do something: 让.

    My mother asked me to cook dinner at home. / 我妈妈让我在家里做晚饭。
    """
    who = adult(choose)
    whom = other(choose, who, helper)
    do, dont = activity(choose, DUTIES), activity(choose, TOGETHER)
    act, zh, kinds = choose(HANDLINGS[4:])
    thing = choose(kinds)
    handle = Action(act, f"the {thing.en}", f"把{thing.zh}", zh), NOTHING
    (asks_to, asks_zh), (act, where) = choose(
        (
            (Phrase(f"asked {whom.me} to", f"让{whom.zh}"), choose((do, handle))),
            (Phrase(f"asked {whom.me} not to", f"让{whom.zh}不要"), dont),
            (Phrase(f"{who.present(WANT)} {whom.me} to", f"想让{whom.zh}"), do),
        )
    )
    return f"{who.en} {asks_to} {act.base} {where.en}", f"{who.zh}{asks_zh}{where.zh}{act.zh}"


def helper(choose: Choose) -> Person:
    return choose((named(choose), choose(PRONOUNS)))


# --- Constructions: two clauses -------------------------------------------------------------------


@grammar.construction(weight=3)
def both(choose):
    """都 gathers the subjects, or the objects, before it; 既…也 and 不但…而且.

    Both my father and my mother like to play tennis. / 我爸爸和我妈妈都喜欢打网球。
    """
    who = named(choose)
    whom = other(choose, who, named)
    act = choose(ACTIVITIES)
    again = choose([choice for choice in ACTIVITIES if choice.verb is not act.verb])
    one = choose(LANGUAGES)
    two = choose([language for language in LANGUAGES if language is not one])
    thing = choose(GOODS)
    good = [q for q in thing.qualities if q in PRAISE]
    first = choose(good)
    rest = [q for q in good if q is not first and {q, first} != {CHEAP, EXPENSIVE}] or [USEFUL]
    second = choose(rest)
    en, zh, is_, _ = pointed(choose, dataclasses.replace(thing, qualities=()))
    return choose(
        (
            (
                f"both {who.en} and {whom.en} like to {act.base}",
                f"{who.zh}和{whom.zh}都喜欢{act.zh}",
            ),
            (f"{who.en} speaks both {one.en} and {two.en}", f"{one.zh}和{two.zh}{who.zh}都会说"),
            (
                f"{who.en} likes neither to {act.base} nor to {again.base}",
                f"{who.zh}既不喜欢{act.zh}，也不喜欢{again.zh}",
            ),
            (
                f"{who.en} not only likes to {act.base} but also likes to {again.base}",
                f"{who.zh}不但喜欢{act.zh}，而且喜欢{again.zh}",
            ),
            (
                f"{en} {is_} not only {first.en} but also {second.en}",
                f"{zh}不但很{first.zh}，而且很{second.zh}",
            ),
        )
    )


PRAISE = (INTERESTING, USEFUL, BEAUTIFUL, CHEAP, COMFORTABLE, WARM, LIGHT)


@grammar.construction(weight=4)
def meanwhile(choose):
    """Two people, two activities: "while" is 而 in a contrast.

    My father is reading the newspaper at home while my mother is waiting for the bus at the
    station. / 我爸爸正在家里看报纸，而我妈妈正在车站等公共汽车。
    """
    who = someone(choose)
    whom = other(choose, who)
    (act, where), (deed, there) = activity(choose), activity(choose, ACTIVITIES + CHORES)
    every = choose(EVERY)
    return choose(
        (
            (
                f"{who.en} {who.he.am} {act.ing} {where.en} while "
                f"{whom.en} {whom.he.am} {deed.ing} {there.en}",
                f"{who.zh}{progressive(act, where)}，而{whom.zh}{progressive(deed, there)}",
            ),
            (
                f"{who.en} {who.present(LIKE)} to {act.base} {where.en}, but "
                f"{whom.en} {whom.he.do} not like to {act.base}",
                f"{who.zh}喜欢{where.zh}{act.zh}，但是{whom.zh}不喜欢{act.zh}",
            ),
            (
                f"{who.en} {who.present(act)} {every.en}, but {whom.en} never {whom.present(act)}",
                f"{who.zh}{every.zh}都{act.zh}，但是{whom.zh}从不{act.zh}",
            ),
        )
    )


# A state, what it leads to, and what is done in spite of it. English is written with the forms of
# "be" and the pronouns to be filled in.
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
            ("still finished the homework", "还是做完了作业"),
            ("still cooked dinner for us", "还是给我们做了晚饭"),
            ("still went to the party", "还是去参加了晚会"),
        ),
    ),
    (
        Phrase("{was} ill", "病了"),
        phrases(
            ("did not go to work", "没去上班"),
            ("went to the hospital", "去了医院"),
            ("took medicine", "吃了药"),
            ("stayed at home", "待在家里"),
        ),
        phrases(
            ("still went to work", "还是去上班了"),
            ("did not go to the hospital", "没去医院"),
            ("did not take medicine", "没吃药"),
        ),
    ),
    (
        Phrase("{was} very busy", "很忙"),
        phrases(
            ("did not have lunch", "没吃午饭"),
            ("did not call {my} friends", "没给朋友打电话"),
            ("did not read the newspaper", "没看报纸"),
        ),
        phrases(
            ("still called {my} friends", "还是给朋友打了电话"),
            ("still listened to music for an hour", "还是听了一个小时音乐"),
        ),
    ),
    (
        Phrase("{was} very hungry", "很饿"),
        phrases(("ate two bowls of rice", "吃了两碗米饭"), ("went to the restaurant", "去了餐馆")),
        phrases(("did not have dinner", "没吃晚饭"), ("only ate an apple", "只吃了一个苹果")),
    ),
)
RAIN = phrases(("it was raining", "下雨"), ("it was snowing", "下雪"), ("it was very cold", "很冷"))
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
    """A reason in the past and what followed from it, or what was done in spite of it."""
    who, when, day = adult(choose), choose(RECENTLY), choose(RECENT_DAYS)
    state, leads, anyway = choose(STATES)
    then = choose(anyway if despite else leads)
    weather, outing = choose(RAIN), choose(RAIN_DESPITE if despite else RAIN_LEADS)
    fill = {"was": who.he.was, "my": who.he.my}
    return choose(
        (
            (
                Phrase(
                    f"{who.en} {state.en.format(**fill)} {day.en}", f"{who.zh}{day.zh}{state.zh}"
                ),
                Phrase(f"{who.he.en} {then.en.format(**fill)}", f"{who.he.zh}{then.zh}"),
            ),
            (
                Phrase(f"{weather.en} {when.en}", f"{when.zh}{weather.zh}"),
                Phrase(f"{who.en} {outing.en}", f"{who.zh}{outing.zh}"),
            ),
        )
    )


def purchase(choose: Choose) -> tuple[Phrase, Phrase]:
    """A thing that was seen in a shop and not bought, and why."""
    who, when = adult(choose), choose(ONCE)
    thing = choose(SHIRTS + HATS)
    fault, fault_zh = choose(
        phrases(("too expensive", "太贵了"), ("too big", "太大了"), ("too small", "太小了"))
    )
    place, place_zh = choose((SHOP, SUPERMARKET, MARKET))
    one, _, zh = described(choose, dataclasses.replace(thing, qualities=()))
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
        Phrase(f"{who.he.en} {decision}", f"{who.he.zh}{decision_zh}"),
    )


@grammar.construction(weight=5)
def because(choose):
    """因为…所以: Chinese names both the reason and the result, and the reason comes first.

    Because it was raining last night, my father took a taxi. / 因为昨晚下雨，所以我爸爸坐了出租车。
    """
    reason, result = choose((consequence(choose, despite=False), purchase(choose)))
    # The reason comes first when it carries the noun that the result's pronoun stands for.
    return f"because {reason.en}, {result.en}", f"因为{reason.zh}，所以{result.zh}"


@grammar.construction(weight=5)
def although(choose):
    """虽然…但是: English has one conjunction, Chinese two.

    Although she was ill yesterday, she still went to work. / 虽然她昨天病了，但是她还是去上班了。
    """
    what, thing, is_ = thing_that(choose, [deed for deed in LASTING if deed.things[0] in GOODS])
    who = adult(choose)
    faults = [q for q in thing.qualities if q in (OLD, EXPENSIVE, CHEAP, BORING, HEAVY)]
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


@grammar.construction(weight=4)
def condition(choose):
    """如果…就; 就 stands after the second subject.

    If it rains tomorrow, we will stay at home. / 如果明天下雨，我们就待在家里。
    """
    who, when = someone(choose), choose(SOON)
    act = choose(OUTDOORS)
    place = choose([place for place in act.places if place in OUTSIDE])
    home = choose([act for act in ACTIVITIES if HOME in act.places])
    bad, bad_zh = choose(phrases(("it rains", "下雨"), ("it snows", "下雪")))
    stay, stay_zh = choose(
        phrases(("stay at home", "待在家里"), (f"{home.base} at home", f"在家里{home.zh}"))
    )
    out, out_zh = f"{act.base} {place.en}", f"去{place.zh.removeprefix('在')}{act.zh}"
    buyer, rich = adult(choose), choose(SOMEDAY[2:4])
    wish = some(choose, dataclasses.replace(choose(CARS[:1] + HOUSES + DEVICES), qualities=(NEW,)))
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
                f"if {who.en} {who.he.have} time {when.en}, {who.he.en} will {out}",
                f"如果{who.zh}{when.zh}有时间，{who.he.zh}就{out_zh}",
            ),
            (
                f"if {buyer.en} {buyer.he.have} enough money {rich.en}, "
                f"{buyer.he.en} will buy {wish.en}",
                f"如果{buyer.zh}{rich.zh}有足够的钱，{buyer.he.zh}就买{wish.zh}",
            ),
        )
    )


@grammar.construction(weight=4)
def when(choose):
    """…的时候 closes its clause.

    When I got home, my mother was cooking dinner in the kitchen. /
    我到家的时候，我妈妈正在厨房做晚饭。
    """
    who = someone(choose)
    whom = other(choose, who)
    (arrived, arrived_zh), there = choose(ARRIVALS)
    act, where = choose(
        [(act, where) for act in ACTIVITIES + CHORES for where in act.places if where in there]
    )
    # Where the first clause has named the place, the second does not.
    there = where if where in (KITCHEN, LIVING_ROOM, GARDEN) else NOTHING
    mood, mood_zh = choose(phrases(("tired", "累"), ("sad", "难过"), ("happy", "高兴")))
    calm = choose([act for act in ACTIVITIES if act.verb in (LISTEN, READ, DRAW, DRINK, SING)])
    fun = choose(ACTIVITIES)
    return choose(
        (
            (
                f"when {who.en} {arrived}, {whom.en} {whom.he.was} {act.ing} {there.en}",
                f"{who.zh}{arrived_zh}的时候，{whom.zh}{progressive(act, there)}",
            ),
            (
                f"{whom.en} {whom.he.was} {act.ing} {where.en} when {who.en} called",
                f"{who.zh}打电话的时候，{whom.zh}{progressive(act, where)}",
            ),
            (
                f"when {who.en} {who.he.am} {mood}, {who.he.en} often {who.present(calm)}",
                f"{who.zh}{mood_zh}的时候经常{calm.zh}",
            ),
            (
                f"when {who.en} {who.he.am} busy, {who.he.en} {who.he.do} not {fun.base}",
                f"{who.zh}忙的时候不{fun.zh}",
            ),
        )
    )


ARRIVALS = (
    (Phrase("got home", "到家"), (HOME, KITCHEN, LIVING_ROOM, GARDEN)),
    (Phrase("arrived at the park", "到公园"), (PARK,)),
    (Phrase("came into the library", "走进图书馆"), (LIBRARY,)),
    (Phrase("came into the classroom", "走进教室"), (CLASSROOM,)),
    (Phrase("arrived at the station", "到车站"), (STATION,)),
)


@grammar.construction(weight=4)
def before_after(choose):
    """以前 and 以后 close their clause and put it first.

    I usually listen to music before I go to bed. / 我睡觉以前通常听音乐。
    """
    who, (often, often_zh) = someone(choose), choose(OFTEN[:3])
    he = who.he
    before, before_zh = choose(
        phrases(
            (f"{he.en} {who.present(GO)} to bed", "睡觉"),
            (f"{he.en} {who.present(HAVE)} dinner", "吃晚饭"),
            (f"{he.en} {who.present(verb('leave'))} home", "出门"),
        )
    )
    calm = choose([act for act in ACTIVITIES if HOME in act.places])
    after, after_zh = choose(
        phrases(
            ("finished the homework", "做完作业"),
            ("had dinner", "吃完晚饭"),
            ("cleaned the room", "打扫完房间"),
            ("washed the clothes", "洗完衣服"),
        )
    )
    late, time = choose((*RECENT_DAYS, RECENTLY[3])), choose(DURATIONS)
    return choose(
        (
            (
                f"{who.en} {often} {who.present(calm)} before {before}",
                f"{who.zh}{before_zh}以前{often_zh}{calm.zh}",
            ),
            (
                f"after {who.en} {after} {late.en}, {he.en} {calm.past} for {time.en}",
                f"{who.zh}{late.zh}{after_zh}以后，{calm.zh_verb}了{time.zh}{calm.zh_object}",
            ),
        )
    )


@grammar.construction(weight=3)
def as_soon_as(choose):
    """一…就.

    As soon as he got home, he turned on the television. / 他一到家就打开了电视。
    """
    who, when = someone(choose), choose((NOTHING, *RECENT_DAYS))
    first, first_zh = choose(
        phrases(
            ("got home", "到家"),
            ("got up", "起床"),
            ("had breakfast", "吃完早饭"),
            ("finished the homework", "做完作业"),
        )
    )
    then, then_zh = choose(
        phrases(
            ("turned on the television", "打开了电视"),
            ("turned on the light", "打开了灯"),
            ("turned on the computer", "打开了电脑"),
            ("opened the window", "打开了窗户"),
            (f"called {who.he.my} friends", "给朋友打了电话"),
        )
    )
    return (
        f"as soon as {who.en} {first} {when.en}, {who.he.en} {then}",
        f"{who.zh}{when.zh}一{first_zh}就{then_zh}",
    )


@grammar.construction(weight=4)
def weather(choose):
    """Weather has no "it" in Chinese.

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


@grammar.construction(weight=8)
def that_clause(choose):
    """Thinking, knowing and saying: the clause follows as it is.

    I think that the coat that she bought yesterday is too expensive. / 我觉得她昨天买的外套太贵了。
    """
    who = adult(choose)
    verbs = [
        ((who.present(verb("think")), "觉得"), choose((opinion, relative_subject))),
        ((who.present(verb("know")), "知道"), choose(FACTS)),
        ((who.present(verb("believe")), "相信"), choose(FACTS)),
        ((f"{who.he.have} heard", "听说"), choose(FACTS)),
    ]
    if who.he not in (I, WE):
        verbs.append(((who.present(verb("say")), "说"), choose(FACTS + REASONED)))
    (thinks, thinks_zh), clause = choose(verbs)
    while True:
        en, zh = clause(choose)
        # "I know that I am singing" goes without saying.
        if f" {who.en} " not in f" {en} ":
            return f"{who.en} {thinks} that {en}", f"{who.zh}{thinks_zh}{zh}"


FACTS = (past, future, now, relative_subject, compared_things, exists, skill, superlative, lived)
REASONED = (because, because, although, although, condition, meanwhile)


@grammar.construction(weight=4)
def disagreement(choose):
    """Two opinions, each on things that a relative clause tells of: the longest sentences.

    Tom says that the film that we saw last week was very long, but Anna thinks that it was not
    very long. / 汤姆说我们上周看的电影很长，但是安娜觉得不太长。
    """
    who, what = named(choose), thing_that(choose)
    whom = other(choose, who, named)
    (noun, noun_zh), thing, is_ = what
    like, trait = predicate(choose, thing), choose(thing.qualities)
    it = "it" if is_ in ("is", "was") else "they"
    more, more_zh = relative_subject(choose)
    return choose(
        (
            (
                f"{who.en} says that {noun} {is_} very {trait.en}, but "
                f"{whom.en} thinks that {it} {is_} not very {trait.en}",
                f"{who.zh}说{noun_zh}很{trait.zh}，但是{whom.zh}觉得不太{trait.zh}",
            ),
            (
                f"{who.en} says that {noun} {is_} {like.en}, and {whom.en} thinks that {more}",
                f"{who.zh}说{noun_zh}{like.zh}，{whom.zh}觉得{more_zh}",
            ),
        )
    )
