"""The synthetic corpus: English-Chinese sentence pairs written by a synchronous grammar.

It needs no download, and shows in small what makes translation from English into Chinese hard:
time and place move before the verb, relative clauses before the noun, questions keep their words
in place, nouns take measure words, verbs take particles, and many an English word (old, play,
light, bank, wear, lose) can only be translated once its neighbours are known.

The Chinese is a function of the English: nothing in it is left to taste. The words are in
`tf_seq2seq.data.synthetic.lexicon`; here they become phrases, and the phrases constructions, each
of which documents itself by a pair.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from tf_seq2seq.data.synthetic.grammar import Choose, Grammar

# fmt: off
# isort: off
from tf_seq2seq.data.synthetic.lexicon import (
    ACTIVITIES, AFTERNOON, ATTRIBUTES, BAGS, BEACH, BEAUTIFUL, BIG, BOOKS, BOOKSHOP, BORING, BORROW,
    BUILDINGS, BUS, BUY, CAKES, CARS, CHEAP, CHORES, CINEMA, CITIES, CLASSROOM, COMFORTABLE, COOK,
    CUPS, DANCE, DAYTIME, DEEDS, DEVICES, DISHES, DISTRACTIONS, DRAW, DRESSES, DRINK, DRINKS,
    DURATIONS, EAT, EVENING, EVERY, EXPENSIVE, FAMILY, FILMS, FIND, FISH, FLOWERS, FRIENDS, FRUIT,
    FURNITURE, GARDEN, GIFTS, GIVE, GO, GOING, GROWN_UP, HARD_QUESTION, HARD_SEAT, HATS, HAVE, HE,
    HEAVY, HOME, HOURS, HOUSES, I, INTERESTING, KEYS, KITCHEN, LEND, LETTERS, LIBRARY, LIGHT, LIKE,
    LISTEN, LIVING_ROOM, LONG, LOSE, MAKE, MARKET, MORNING, MUSEUM, NAMES, NEAR, NEED, NEW, NOTHING,
    NUMBERS, OFTEN, OLD, ONCE, OUTDOORS, OUTSIDE, PARK, PETS, PHOTOS, PLANT, PLAY, POOL, PORTABLE,
    PRICES, PRONOUNS, QUESTIONS, READ, RECEIVE, RECENT_DAYS, RECENTLY, REPAIR, RIVER, RUN, SEASONS,
    SEE, SELL, SEND, SHE, SHIRTS, SHOP, SHORT, SING, SLEEP, SMALL, SOMEDAY, SOON, STATION,
    STRANGERS, STRENUOUS, STUDENTS, SUPERMARKET, SWIM, TABLES, TAKE, TASTY_DRINK, TASTY_FOOD, TENS,
    TOGETHER, TRAIN, TREES, UMBRELLAS, USEFUL, VISIT, WANT, WARM, WASH, WE, WRITE, YOU, YOUNG,
    YOUR_FAMILY, YOUR_FRIENDS,
    Action, Deed, Person, Phrase, Quality, Thing, Verb,
    phrases, things, verb,
)
# isort: on
# fmt: on

grammar = Grammar(shortest=3, longest=40)


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


# Who has homework to do.
PUPILS = PRONOUNS + NAMES + YOUNG


def worker(choose: Choose, kind: Callable[[Choose], Person] = adult) -> Person:
    """Someone of an age to go to work."""
    while (who := kind(choose)).old:
        pass
    return who


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


def without(thing: Thing, *never: Quality) -> Thing:
    """The thing, with the qualities that the context allows it."""
    return dataclasses.replace(thing, qualities=tuple(q for q in thing.qualities if q not in never))


def plain(thing: Thing) -> Thing:
    """The thing without its qualities, so that only a colour may go with it."""
    return dataclasses.replace(thing, qualities=())


def some(choose: Choose, thing: Thing, most: int = 10, never: tuple[Quality, ...] = ()) -> Phrase:
    """An amount of things: "a new car" / 一辆新汽车, "two red hats" / 两顶红色帽子."""
    one, many, zh = described(choose, without(thing, *never))
    # Nobody buys nine beds, but a river may well have nine fish in it.
    most = min(most, 2 if thing.en in BULKY else 10 if thing.en in MANY else 5)
    number, zh_number = choose((ONE, ONE, choose(NUMBERS[: most - 1]) if most > 1 else ONE))
    en = a(one) if number == "a" else f"{number} {many}"
    return Phrase(en, f"{zh_number}{thing.measure}{zh}")


ONE = Phrase("a", "一")
BULKY = [thing.en for thing in CARS + HOUSES + DEVICES + FURNITURE + TABLES + BAGS]
# "The bowls of rice that I ate": what is spoken of in the singular.
SINGLE = [*BULKY, *(thing.en for thing in DISHES + DRINKS)]
MANY = [thing.en for thing in FISH + FLOWERS + STUDENTS + TREES + PETS]


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
    faulty = like in FAULTS and thing.en not in MANY
    # 有点儿 and 太 find fault: they do not go with praise. Nothing is extremely new.
    degree = choose(COMPLAINTS if faulty else DEGREES[1::2] if like is NEW else DEGREES)
    return Phrase(degree.en.format(like.en), degree.zh.format(like.zh))


DEGREES = phrases(
    ("very {}", "很{}"), ("very {}", "很{}"), ("extremely {}", "非常{}"), ("not very {}", "不太{}")
)
COMPLAINTS = DEGREES[:3] + phrases(("too {}", "太{}了"), ("a little {}", "有点儿{}"))
FAULTS = (OLD, BIG, SMALL, EXPENSIVE, BORING, LONG, SHORT, HARD_SEAT, HARD_QUESTION, HEAVY)


def deed_with(choose: Choose, deeds: Sequence[Deed] = DEEDS) -> tuple[Deed, Action]:
    """Something done to an amount of things: "bought two red hats" / 买了两顶红色帽子."""
    deed = choose(deeds)
    en, zh = some(choose, choose(deed.things), deed.most, deed.never)
    return deed, Action(deed.verb, en, deed.zh, zh, deed.places, counted=True)


def suited(who: Person, acts: Sequence[Action] = ACTIVITIES) -> list[Action]:
    """Those of the activities that suit a person's age."""
    unfit = STRENUOUS if who.old else GROWN_UP if who in YOUNG else ()
    return [act for act in acts if act not in unfit]


def activity(
    choose: Choose, who: Person, acts: Sequence[Action] = ACTIVITIES
) -> tuple[Action, Phrase]:
    """An activity that suits a person, and a place for it."""
    act = choose(suited(who, acts))
    return act, choose(act.places)


def errand(act: Action, where: Phrase) -> tuple[Action, Phrase]:
    """Who is to buy vegetables at the market goes there: 去市场买菜."""
    return act, Phrase(where.en, where.zh.replace("在", "去")) if act.verb is BUY else where


def lately(choose: Choose, act: Action, where: Phrase) -> Phrase:
    """A time in the past; dinner is not cooked in the morning, nobody is in the garden at night."""
    if act.verb is COOK:
        return choose((RECENTLY[3], *RECENT_DAYS))
    return choose(DAYTIME if where in OUTSIDE else RECENTLY)


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


def thing_that(
    choose: Choose, deeds: Sequence[Deed] = DEEDS, apart: Sequence[Person] = ()
) -> tuple[Phrase, Thing, str]:
    """Things known by what was done to them, and their "is" or "was".

    "the book that I bought yesterday" / 我昨天买的书: what follows the noun in English precedes
    it in Chinese, where 的 ties the two.
    """
    deed = choose([deed for deed in deeds if deed.things[0].qualities])
    thing = choose([thing for thing in deed.things if thing.qualities])
    # That a thing is new need not be said of what one has just bought.
    news = () if deed.verb in (LOSE, FIND, BORROW, REPAIR) else (NEW,)
    thing = without(thing, *deed.never, *news)
    when, where = choose(deed.times), choose(deed.places)
    # After "my friend", the second mention is not "my friend" again.
    while (who := adult(choose)) not in PRONOUNS and who.en in [person.en for person in apart]:
        pass
    numbers = ((thing.en, ("is", "was")), (thing.plural, ("are", "were")))
    noun, verbs = choose(numbers[:1] if deed.most == 1 or thing.en in SINGLE else numbers)
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
    act = choose([act for act in ACTIVITIES if act not in GROWN_UP and set(act.places) & PUBLIC])
    where = choose([place for place in act.places if place in PUBLIC])
    return Phrase(
        f"the {person.en} who is {act.ing} {where.en}", f"{progressive(act, where)}的{person.zh}"
    )


PUBLIC = {*OUTSIDE, LIBRARY, CLASSROOM, BOOKSHOP, TRAIN, BUS, POOL}


def progressive(act: Action, where: Phrase = NOTHING) -> str:
    """正在 once only: 正在看书, 正在图书馆看书."""
    return f"正{where.zh or '在'}{act.zh}"


def visit_family(choose: Choose, who: Person) -> Action:
    """One visits a museum (参观), a city (游览) and one's relatives (看望)."""
    kin = choose(phrases(("uncle", "叔叔"), ("aunt", "阿姨"), ("grandmother", "奶奶")))
    return Action(VISIT, f"{who.he.my} {kin.en}", "看望", kin.zh)


def plan(choose: Choose, who: Person) -> Action:
    """Something that one may intend to do once."""
    _, act = deed_with(choose, PLANNED)
    going = choose(GOING)
    # Grandparents have no grandmother to visit.
    family = visit_family(choose, who) if who not in FAMILY and not who.old else going
    return choose((family, family, going, act))


def deeds_of(*verbs: Verb) -> list[Deed]:
    return [deed for deed in DEEDS if deed.verb in verbs]


PLANNED = [
    *(deed for deed in deeds_of(BUY, SELL, SEE) if deed.times is ONCE),
    *deeds_of(BORROW, PLANT, MAKE),
]


# --- Constructions: statements --------------------------------------------------------------------


@grammar.construction(weight=15)
def short(choose):
    """A subject and little more.

    She swims. / 她游泳。
    """
    who = someone(choose)
    whom = other(choose, who, helper)
    agree = who.present(verb("agree"))
    am, was = who.he.am, who.he.was
    en, zh = choose(
        phrases(
            (who.present(SWIM), "游泳"),
            (agree, "同意"),
            (f"{agree} with {whom.me}", f"同意{whom.zh}的看法"),
            (f"{agree} with {whom.me}", f"同意{whom.zh}的看法"),
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


@grammar.construction(weight=5)
def habit(choose):
    """Time and place stand between subject and verb.

    My mother drinks tea in the garden every morning. / 我妈妈每天早上都在花园里喝茶。
    """
    who, when = someone(choose), choose(EVERY)
    act, where = activity(choose, who)
    pal = company(choose, who, act)
    return (
        f"{who.en} {who.present(act)} {pal.en} {where.en} {when.en}",
        f"{who.zh}{when.zh}都{pal.zh}{where.zh}{act.zh}",
    )


@grammar.construction(weight=4)
def frequency(choose):
    """Adverbs of frequency, at times with a season.

    We often swim in the river in summer. / 我们夏天经常在河里游泳。
    """
    who, often = someone(choose), choose(OFTEN)
    act, where = activity(choose, who)
    seasons = (
        SEASONS[1:2] if where in (RIVER, BEACH) else SEASONS[:3] if where in OUTSIDE else SEASONS
    )
    season = choose((NOTHING, choose(seasons)))
    pal = company(choose, who, act)
    return (
        f"{who.en} {often.en} {who.present(act)} {pal.en} {where.en} {season.en}",
        f"{who.zh}{season.zh}{often.zh}{pal.zh}{where.zh}{act.zh}",
    )


@grammar.construction(weight=6)
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
            ("every night", "每天晚上", HOURS[8:], BEDTIME),
        )
    )
    act, time = choose(suited(who, acts)), clock(choose, hours)
    return (
        f"{who.en} {who.present(act)} {time.en} {every}",
        f"{who.zh}{every_zh}{time.zh}{act.zh}",
    )


COME = verb("come", "came", "come")
GET_UP = Action(verb("get", "got", ing="getting"), "up", "起", "床")
LEAVE_HOME = Action(verb("leave", "left"), "home", "出", "门")
MORNING_ACTS = (CHORES[1], *[GET_UP] * 3, LEAVE_HOME)
BEDTIME = (Action(GO, "to bed", "睡", "觉"),)
EVENING_ACTS = (CHORES[0], Action(HAVE, "dinner", "吃", "晚饭"), Action(COME, "home", "回", "家"))


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


@grammar.construction(weight=8)
def past_activity(choose):
    """An activity in the past: 了 ends the sentence. Time may come first in both languages.

    Yesterday afternoon we played football in the park. / 昨天下午我们在公园踢足球了。
    """
    who = someone(choose)
    act, where = activity(choose, who, ACTIVITIES + HOUSEWORK)
    when = lately(choose, act, where)
    pal = company(choose, who, act)
    en, zh = f"{act.past} {pal.en} {where.en}", f"{pal.zh}{where.zh}{act.zh}了"
    return choose(
        (
            (f"{who.en} {en} {when.en}", f"{who.zh}{when.zh}{zh}"),
            (f"{when.en} {who.en} {en}", f"{when.zh}{who.zh}{zh}"),
        )
    )


@grammar.construction(weight=8)
def now(choose):
    """The progressive: 正在.

    The children are playing chess in the garden. / 孩子们正在花园里下棋。
    """
    who = someone(choose)
    act, where = activity(choose, who, ACTIVITIES + 4 * CHORES)
    return f"{who.en} {who.he.am} {act.ing} {where.en}", f"{who.zh}{progressive(act, where)}"


@grammar.construction(weight=3)
def wearing(choose):
    """Clothes are worn (穿), hats and the like are put on (戴).

    The girl is wearing a red hat. / 那个女孩戴着一顶红色帽子。
    """
    who = choose((named(choose), *PRONOUNS[1:3], *STRANGERS[:2]))
    clothes = SHIRTS + DRESSES if who.he is SHE else SHIRTS
    wear, kinds = choose((("穿", clothes), ("戴", HATS)))
    thing = choose(kinds)
    one, _, zh = described(choose, without(thing, CHEAP, SMALL))
    return (f"{who.en} {who.he.am} wearing {a(one)}", f"{who.zh}{wear}着一{thing.measure}{zh}")


@grammar.construction(weight=6)
def future(choose):
    """What will happen (会) and what is intended (打算).

    They are going to visit Beijing next month. / 他们下个月打算游览北京。
    """
    who = adult(choose)
    act = plan(choose, who)
    # Nobody plans what film to see next year.
    when = choose(SOMEDAY[:3] if act.counted else SOMEDAY)
    where = choose(act.places)
    will, will_zh = choose(
        (("will", "会"), (f"{who.he.am} going to", "打算"), (who.present(WANT) + " to", "想"))
    )
    return (
        f"{who.en} {will} {act.base} {where.en} {when.en}",
        f"{who.zh}{when.zh}{will_zh}{where.zh}{act.zh}",
    )


@grammar.construction(weight=2)
def not_past(choose):
    """The past is denied with 没, and 了 goes.

    My father did not watch television at home last night. / 我爸爸昨晚没在家里看电视。
    """
    who = someone(choose)
    act, where = activity(choose, who)
    when = lately(choose, act, where)
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
    act, where = activity(choose, who)
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
    act, where = activity(choose, who)
    also = choose([choice for choice in suited(who) if choice.verb is not act.verb])
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
    act = choose([act for act in suited(who) if act.verb in (PLAY, SWIM, DANCE)])
    one, two = choose(LANGUAGES), choose(LANGUAGES)
    en, zh = choose(
        (
            (act.base, act.zh),
            ("drive", "开车") if who not in YOUNG else ("ride a horse", "骑马"),
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


@grammar.construction(weight=7)
def modal(choose):
    """Duty and permission.

    You should clean the room tomorrow. / 你明天应该打扫房间。
    """
    who = choose((Person("you", "你", YOU), someone(choose)))
    duty = phrases(("must", "必须"), ("should", "应该"), (f"{who.present(NEED)} to", "需要"))
    may, should_not = phrases(("may", "可以"), ("should not", "不应该"))
    must, acts = choose(
        ((choose(duty), DUTIES), (choose(duty), DUTIES), (may, LEISURE), (should_not, DISTRACTIONS))
    )
    act, where = errand(*activity(choose, who, acts))
    # Dinner is not cooked in the morning, and nobody is in the garden at night.
    tonight = () if where in OUTSIDE else SOON[3:4]
    daytime = () if act.object == "dinner" else SOON[1:3]
    when = choose((*tonight, *daytime, SOON[0], Phrase("today", "今天")))
    start = choose((GET_UP, GET_UP, LEAVE_HOME))
    (early, early_zh), time = choose(duty), clock(choose, MORNING[:3])
    if choose((True, *[False] * 4)):
        return (
            f"{who.en} {early} {start.base} {time.en} tomorrow morning",
            f"{who.zh}明天早上{early_zh}{time.zh}{start.zh}",
        )
    return (
        f"{who.en} {must.en} {act.base} {where.en} {when.en}",
        f"{who.zh}{when.zh}{must.zh}{where.zh}{act.zh}",
    )


DUTIES = (CHORES[0], *CHORES[3:5], CHORES[6], *ACTIVITIES[-3:])
LEISURE = ACTIVITIES[:-3]


@grammar.construction(weight=8)
def opinion(choose):
    """A thing at hand and what it is like; "old" is 旧 here, and "light" is 轻.

    This umbrella is very light. / 这把雨伞很轻。
    """
    thing = choose(GOODS + 4 * FURNITURE + TABLES + 6 * QUESTIONS + 8 * DRESSES)
    like = predicate(choose, thing)
    # The attribute must not say what the predicate says.
    bare = plain(thing)
    en, zh, is_, _ = pointed(choose, bare)
    return f"{en} {is_} {like.en}", f"{zh}{like.zh}"


GOODS = BOOKS + FILMS + SHIRTS + DRESSES + HATS + BAGS + DEVICES + CARS


@grammar.construction(weight=3)
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
        if en == "sad":
            en, zh = "happy", "高兴"
        verb_en = choose((who.he.am, f"{who.he.do} not look"))
        verb_zh = "" if verb_en == who.he.am else "看起来"
        degree = Phrase(degree.en.removeprefix("not ") if verb_zh else degree.en, degree.zh)
    return (
        f"{who.en} {verb_en} {degree.en.format(en)} {when.en}",
        f"{who.zh}{when.zh}{verb_zh}{degree.zh.format(zh)}",
    )


@grammar.construction(weight=7)
def manner(choose):
    """How well one does something: the verb comes last, with 得.

    My older sister plays the piano very well. / 我姐姐钢琴弹得很好。
    """
    who = someone(choose)
    rival = other(choose, who)
    act, (well, well_zh), (better, better_zh) = choose(
        [manner for manner in MANNERS if suited(who, manner[:1]) and suited(rival, manner[:1])]
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
                f"{who.en} {who.he.do} not {act.base} very {well}",
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
    (Action(verb("speak"), "English", "说", "英语"), *WELL),
    (Action(verb("speak"), "Chinese", "说", "中文"), *WELL),
    (Action(SING, "", "唱", "歌"), *WELL),
    *[(Action(SWIM, "", "游", "泳"), *FAST), (Action(RUN, "", "跑", "步"), *FAST)] * 2,
)


@grammar.construction(weight=6)
def duration(choose):
    """The time that something took stands between verb and object.

    He played the guitar at home for two hours last night. / 他昨晚在家里弹了两个小时吉他。
    """
    who = someone(choose)
    act, where = activity(choose, who, (*ACTIVITIES, *HOUSEWORK[:2], NAP, NAP, NAP))
    when = lately(choose, act, where)
    # Nobody runs for three hours.
    brief = act.verb in (RUN, SWIM, COOK, DRINK) or act.object == "the newspaper"
    time = choose(BRIEF if brief else DURATIONS)
    return (
        f"{who.en} {act.past} {where.en} for {time.en} {when.en}",
        f"{who.zh}{when.zh}{where.zh}{act.zh_verb}了{time.zh}{act.zh_object}",
    )


BRIEF = tuple(time for time in DURATIONS if "three" not in time.en)
HOUSEWORK = (CHORES[0], *CHORES[3:5])
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


@grammar.construction(weight=6)
def experience(choose):
    """Experience: 过, and how often.

    I have never ridden a horse. / 我从来没骑过马。
    """
    who, (city, city_zh), (n, n_zh) = adult(choose), choose(CITIES), choose(NUMBERS[1:6])
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
    *[("ridden a horse", "骑", "马")] * 2,
    ("eaten Japanese food", "吃", "日本菜"),
    ("eaten French food", "吃", "法国菜"),
    ("visited the museum", "参观", "博物馆"),
    ("played tennis", "打", "网球"),
)


@grammar.construction(weight=7)
def trade(choose):
    """What people sell or repair for a living: things in general, without measure words.

    My neighbour repairs cameras and phones. / 我的邻居修照相机和手机。
    """
    act, zh, kinds = choose(TRADES)
    who, where = worker(choose, trader), choose((NOTHING, NOTHING if kinds[0] in HOUSES else SHOP))
    one = choose(kinds)
    two = choose([thing for thing in kinds if thing is not one])
    goods, goods_zh = f"{one.plural} and {two.plural}", f"{one.zh}和{two.zh}"
    return choose(
        (
            (
                f"{who.en} {who.present(act)} {goods} {where.en}",
                f"{who.zh}{where.zh}{zh}{goods_zh}",
            ),
            (
                f"{who.en} used to {act.base} {goods} {where.en}",
                f"{who.zh}以前{where.zh}{zh}{goods_zh}",
            ),
        )
    )


def trader(choose: Choose) -> Person:
    """Anyone but a doctor, a teacher or a pupil."""
    return choose(choose((PRONOUNS, FAMILY, NAMES, FRIENDS[:2] + FRIENDS[4:6])))


TRADES = (
    *[(REPAIR, "修", DEVICES)] * 2,
    (REPAIR, "修", CARS),
    (SELL, "卖", DEVICES),
    (SELL, "卖", HOUSES + CARS[:1]),
    (SELL, "卖", FURNITURE + TABLES),
    (SELL, "卖", SHIRTS + DRESSES + HATS + UMBRELLAS),
    *[(SELL, "卖", FLOWERS + PETS[2:] + FRUIT)] * 2,
)


@grammar.construction(weight=4)
def already(choose):
    """Already (已经…了) and not yet (还没).

    The students have already finished their homework. / 学生们已经做完作业了。
    """
    who = someone(choose)
    en, done, undone = choose(
        (
            *([(f"finished {who.he.my} homework", *["做完作业"] * 2)] * 3 if who in PUPILS else []),
            ("had dinner", "吃过晚饭", "吃晚饭"),
            ("had lunch", "吃过午饭", "吃午饭"),
            ("left home", "出门", "出门"),
            ("come home", "回家", "回家"),
            ("cleaned the room", "打扫完房间", "打扫房间"),
            ("washed the clothes", "洗完衣服", "洗衣服"),
            ("taken the medicine", "吃过药", "吃药"),
            ("found the keys", "找到钥匙", "找到钥匙"),
            ("read this novel", "看过这本小说", "看过这本小说"),
            ("seen that film", "看过那部电影", "看过那部电影"),
            ("visited the museum", "参观过博物馆", "参观过博物馆"),
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
    (adverb, adverb_zh), deeds = choose(FOCUSES)
    deed, act = deed_with(choose, deeds)
    who, when, where = adult(choose), choose(deed.times), choose(deed.places)
    did = choose(
        phrases((f"{who.he.was} late", "迟到"), ("won", "赢"), ("lost", "输"), ("laughed", "笑"))
    )
    late = choose((*RECENTLY[:5], *RECENTLY[6:]))
    before, after = ("", adverb) if adverb == "again" else (adverb, "")
    # 只 stands right before what it limits: 在市场只买了一个橙子.
    place = f"{where.zh}{adverb_zh}" if adverb == "only" else f"{adverb_zh}{where.zh}"
    return choose(
        (
            *[
                (
                    f"{who.en} {before} {act.past} {where.en} {after} {when.en}",
                    f"{who.zh}{when.zh}{place}{act.zh_past}",
                )
            ]
            * 3,
            (f"{who.en} {did.en} again {late.en}", f"{who.zh}{late.zh}又{did.zh}了"),
        )
    )


FOCUSES = (
    (Phrase("only", "只"), deeds_of(BUY, READ, WRITE, EAT, DRINK, DRAW, TAKE, BORROW, RECEIVE)),
    (Phrase("also", "也"), DEEDS),
    (Phrase("again", "又"), deeds_of(EAT, DRINK, LOSE, BORROW, MAKE)),
)


@grammar.construction(weight=4)
def gives(choose):
    """Two objects: 给 and the receiver come before the thing.

    My grandmother gave me a red scarf. / 我奶奶给了我一条红色围巾。
    """
    who = adult(choose)
    to, when = other(choose, who), choose((NOTHING, choose(ONCE)))
    thing = choose(
        BOOKS + HATS + SHIRTS + BAGS + GIFTS + DEVICES + 4 * FLOWERS + 2 * PETS[:2] + 6 * QUESTIONS
    )
    what = some(
        choose,
        thing,
        1 if thing in PETS or thing.en in BULKY else 10,
        never=(OLD, CHEAP, BIG, SMALL),
    )
    gave, gave_zh = choose(
        phrases(
            (GIVE.past, "给了{}"),
            (SEND.past, "给{}寄了"),
            (BUY.past, "给{}买了"),
            (LEND.past, "借给了{}"),
            ("brought", "给{}带了"),
        )
    )
    if gave in (LEND.past, SEND.past) and thing not in QUESTIONS:
        what = some(choose, choose(BOOKS), never=PRICES)
    if thing in QUESTIONS:
        gave, gave_zh = "asked", "问了{}"
    return (
        f"{who.en} {gave} {to.me} {what.en} {when.en}",
        f"{who.zh}{when.zh}{gave_zh.format(to.zh)}{what.zh}",
    )


@grammar.construction(weight=3)
def put(choose):
    """把 with a place.

    Peter put the keys on the table. / 彼得把钥匙放在桌子上了。
    """
    who, when = someone(choose), choose((NOTHING, choose(RECENTLY)))
    spot, thing = choose(SPOTS), choose(KEYS + BOOKS + DEVICES + HATS + LETTERS)
    noun = choose((thing.en, thing.plural)) if thing.en not in BULKY else thing.en
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
# What falls to pieces is 打破, what no longer works 弄坏.
MISHAPS = (
    (BREAK, "打破", CUPS + WINDOWS),
    (BREAK, "弄坏", DEVICES + UMBRELLAS + FURNITURE[:1]),
    (EAT, "吃掉", CAKES + FRUIT),
)
CARE = (
    (REPAIR, "修好", CARS + DEVICES),
    (WASH, "洗干净", SHIRTS + CARS + CUPS),
    (OPEN, "打开", WINDOWS),
    (phrasal(TURN, "off"), "关掉", LAMPS),
    (phrasal(TURN, "on"), "打开", LAMPS),
)
HANDLINGS = (*MISHAPS, *CARE, (LOSE, "弄丢", KEYS + BAGS + BOOKS), (SELL, "卖掉", CARS + HOUSES))


def fit(who: Person, handlings):
    """Those that suit a person's age: children repair and sell nothing."""
    return [act for act in handlings if who not in YOUNG or act[0] not in (REPAIR, SELL)]


@grammar.construction(weight=4)
def handled(choose):
    """把 with a result; "light" is a lamp (灯) here.

    My mother turned off the light last night. / 我妈妈昨晚把灯关掉了。
    """
    who, when = someone(choose), choose((NOTHING, choose(RECENTLY)))
    act, zh, kinds = choose(fit(who, HANDLINGS))
    thing = choose(kinds)
    return (f"{who.en} {act.past} the {thing.en} {when.en}", f"{who.zh}{when.zh}把{thing.zh}{zh}了")


@grammar.construction(weight=3)
def passive(choose):
    """The passive 被, which Chinese keeps for mishaps.

    The cup was broken by my younger brother. / 杯子被我弟弟打破了。
    """
    who, owner, when = someone(choose), choose((I, HE, SHE)), choose((NOTHING, choose(RECENTLY)))
    act, zh, kinds = choose(MISHAPS)
    thing = choose(kinds)
    stolen = choose(BAGS + DEVICES + CARS)
    return choose(
        (
            (
                f"the {thing.en} was {act.done} by {who.me} {when.en}",
                f"{thing.zh}{when.zh}被{who.zh}{zh}了",
            ),
            (
                f"{owner.my} {stolen.en} was stolen {when.en}",
                f"{owner.zh}的{stolen.zh}{when.zh}被偷了",
            ),
        )
    )


@grammar.construction(weight=12)
def exists(choose):
    """有 after the place, with a measure word.

    There are three cats under the table. / 桌子下面有三只猫。
    """
    (place, place_zh), kinds = choose(SCENES)
    thing = choose(kinds)
    what = some(choose, thing, never=(*PRICES, USEFUL, COMFORTABLE))
    is_ = "is" if what.en.split()[0] in ("a", "an") else "are"
    there_is = (f"there {is_} {what.en} {place}", f"{place_zh}有{what.zh}")
    building = choose(BUILDINGS)
    (spot, spot_zh), one = choose(LANDMARKS), f"一{building.measure}{building.zh}"
    # What is measured by the cup is 很多茶 in Chinese, whatever it is measured by.
    many = (f"there are many {thing.plural} {place}", f"{place_zh}有很多{thing.zh}")
    none = (f"there are no {thing.plural} {place}", f"{place_zh}没有{thing.zh}")
    return choose(
        (
            there_is,
            there_is,
            *((many, none) if thing not in DRINKS else (there_is,)),
            (f"there is a {building.en} {spot}", f"{spot_zh}有{one}"),
        )
    )


LANDMARKS = phrases(("next to the station", "车站旁边"), ("near my house", "我家附近"))
SCENES = (
    (Phrase("on the table", "桌子上"), BOOKS + KEYS + FRUIT + DRINKS + CUPS),
    (Phrase("under the table", "桌子下面"), PETS[:2]),
    (Phrase("in the bag", "包里"), BOOKS + KEYS + LETTERS + FRUIT),
    (Phrase("in the box", "箱子里"), HATS + CUPS + PHOTOS + FRUIT + GIFTS),
    (Phrase("in the kitchen", "厨房里"), TABLES + CAKES + FISH + CUPS),
    (Phrase("in the garden", "花园里"), TREES + 2 * FLOWERS + PETS),
    (Phrase("in the classroom", "教室里"), STUDENTS + TABLES + FURNITURE[:1] + DEVICES[2:3]),
    (Phrase("in the park", "公园里"), TREES + FLOWERS + PETS[1:]),
    (Phrase("under the chair", "椅子下面"), PETS[:2]),
    (Phrase("in the river", "河里"), FISH),
    (Phrase("in that shop", "那家商店里"), SHIRTS + DEVICES + FURNITURE + TABLES),
    (Phrase("in front of the hotel", "酒店前面"), CARS),
    (Phrase("behind the school", "学校后面"), CARS + HOUSES),
    (Phrase("opposite the bank", "银行对面"), HOUSES),
    (Phrase("near the hotel", "酒店附近"), HOUSES),
)


@grammar.construction(weight=5)
def located(choose):
    """Places by the side of places; this "bank" is a 银行.

    The bank is next to the station. / 银行在车站旁边。
    """
    building, landmark = choose(BUILDINGS), choose(BUILDINGS)
    near, near_zh = choose(NEAR)
    if building is landmark:
        landmark = Thing("station", "stations", "车站", "个")
    spot, thing, many = choose(SPOTS), choose(HATS + DEVICES), choose(KEYS + BOOKS)
    who, owner = choose(PRONOUNS).he, choose((I, HE, SHE))
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
            (f"{owner.my} {thing.en} is {spot.en}", f"{owner.zh}的{thing.zh}在{spot.zh}"),
            (f"{owner.my} {thing.en} is not {spot.en}", f"{owner.zh}的{thing.zh}不在{spot.zh}"),
            (f"{who.my} {many.plural} are {spot.en}", f"{who.zh}的{many.zh}在{spot.zh}"),
            (f"{who.my} {many.plural} are not {spot.en}", f"{who.zh}的{many.zh}不在{spot.zh}"),
        )
    )


# --- Constructions: relative clauses --------------------------------------------------------------


@grammar.construction(weight=6)
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
    what, _, _ = thing_that(choose, LASTING, apart=(who,))
    return choose(
        (
            (f"{who.en} lost {what.en}", f"{who.zh}把{what.zh}弄丢了"),
            (f"{who.en} {who.present(LIKE)} {what.en}", f"{who.zh}喜欢{what.zh}"),
            (f"{who.en} {who.he.do} not like {what.en}", f"{who.zh}不喜欢{what.zh}"),
        )
    )


LASTING = tuple(
    deed for deed in DEEDS if deed.verb in (BUY, BORROW) and deed.things[0] in (*PORTABLE, *BOOKS)
)


@grammar.construction(weight=4)
def relative_person(choose):
    """People known by what they are doing; one knows (认识) a person.

    I know the girl who is playing the guitar in the park. / 我认识正在公园弹吉他的女孩。
    """
    who, whom = someone(choose), person_who(choose)
    role, role_zh = choose((("neighbour", "邻居"), ("friend", "朋友")))
    return choose(
        (
            (f"{who.en} {who.present(verb('know'))} {whom.en}", f"{who.zh}认识{whom.zh}"),
            (f"{whom.en} is {who.he.my} {role}", f"{whom.zh}是{who.he.zh}的{role_zh}"),
        )
    )


@grammar.construction(weight=6)
def witnessed(choose):
    """Seeing someone do something.

    We saw two boys playing basketball in the park. / 我们看见两个男孩在公园打篮球。
    """
    who, when = someone(choose), choose((NOTHING, choose(DAYTIME)))
    act = choose([act for act in OUTDOORS if act not in GROWN_UP])
    where = choose([place for place in act.places if place in OUTSIDE])
    kinds = phrases(("boys", "男孩"), ("girls", "女孩"), ("children", "孩子"), ("students", "学生"))
    boys, boys_zh = choose([kind for kind in kinds if kind.en not in who.en])
    number, number_zh = choose(NUMBERS[:5])
    one = other(choose, who, helper)
    whom, whom_zh = choose(((f"{number} {boys}", f"{number_zh}个{boys_zh}"), (one.me, one.zh)))
    return (
        f"{who.en} saw {whom} {act.ing} {where.en} {when.en}",
        f"{who.zh}{when.zh}看见{whom_zh}{where.zh}{act.zh}",
    )


# --- Constructions: comparison --------------------------------------------------------------------


@grammar.construction(weight=6)
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
    whom = other(choose, who, lambda choose: choose((PRONOUNS[0], choose(people), choose(people))))
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
    return choose((*pairs, by_years, by_years) if base == "old" else pairs)


@grammar.construction(weight=7)
def compared_things(choose):
    """Things compared with 比; an "older" thing is 旧.

    This coat is much more expensive than that one. / 这件外套比那件贵得多。
    """
    thing = choose(GOODS + FURNITURE + TABLES + 2 * (FRUIT + CAKES))
    like = choose([like for like in thing.qualities if like in COMPARABLE])
    one, _, zh = described(choose, plain(thing))
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
    """One thing known by what was done to it, its "is" or "was", and a quality to compare."""
    while True:
        (what, what_zh), thing, is_ = thing_that(choose)
        traits = [like for like in thing.qualities if like in COMPARABLE]
        if traits and is_ in ("is", "was"):
            return what, what_zh, thing, is_, choose(traits)


COMPARABLE = (
    *(OLD, EXPENSIVE, CHEAP, INTERESTING, USEFUL),
    *(BEAUTIFUL, HEAVY, COMFORTABLE, TASTY_FOOD, TASTY_DRINK),
)


@grammar.construction(weight=10)
def superlative(choose):
    """最, with a relative clause in English and 过 in Chinese.

    This is the most interesting film that I have ever seen. / 这是我看过的最有趣的电影。
    """
    who = adult(choose)
    act, zh, kinds, likes = choose(SUPERLATIVES)
    thing, like = choose(kinds), choose(likes)
    group, group_zh = choose(phrases(("our class", "我们班"), ("this school", "这所学校")))
    most, most_zh = choose(phrases(("tallest", "高"), ("youngest", "小")))
    pupil = choose(choose((NAMES, SIBLINGS, FRIENDS[:2], YOUNG[2:])))
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


SIBLINGS = [who for who in FAMILY if who.en.endswith(("brother", "sister"))]
# One sees a film (看) or a flower (见).
SUPERLATIVES = (
    (SEE, "看", FILMS, (INTERESTING, BORING, LONG)),
    (SEE, "见", FLOWERS + PETS[1:], (BEAUTIFUL, BIG)),
    (READ, "看", BOOKS, (INTERESTING, BORING, USEFUL)),
    (RECEIVE, "收到", LETTERS, (LONG, INTERESTING)),
    (TAKE, "拍", PHOTOS, (BEAUTIFUL, INTERESTING)),
    (EAT, "吃", FRUIT + CAKES, (TASTY_FOOD, TASTY_FOOD, BIG)),
    (BUY, "买", SHIRTS + HATS + DEVICES, (EXPENSIVE, CHEAP, CHEAP)),
)


# --- Constructions: numbers, prices, dates --------------------------------------------------------


@grammar.construction(weight=6)
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
    more, more_zh = choose(TENS[:2] if prices is TENS else TENS)
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


@grammar.construction(weight=8)
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


@grammar.construction(weight=4)
def transport(choose):
    """How one gets somewhere comes before the going.

    My colleague goes to work by bus every day. / 我的同事每天都坐公共汽车去上班。
    """
    who, (by, by_zh), every = worker(choose), choose(VEHICLES), choose(EVERY[:2])
    when = choose((*RECENTLY[:2], *ONCE[-6:-3]))
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
                f"it takes {time} to go from {who.he.my} house to {place} {by}",
                f"从{who.he.zh}家{by_zh}去{place_zh}要{time_zh}",
            ),
        )
    )


VEHICLES = phrases(("by bus", "坐公共汽车"), ("by bicycle", "骑自行车"), ("by taxi", "坐出租车"))

# --- Constructions: questions and requests --------------------------------------------------------


@grammar.construction(weight=7, mark="?")
def yes_no(choose):
    """吗 ends a question; the words keep their order.

    Did your younger sister play tennis in the park yesterday? / 你妹妹昨天在公园打网球了吗？
    """
    who = asked(choose)
    act, where = activity(choose, who)
    every, late, soon = choose(EVERY), lately(choose, act, where), choose(SOON)
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
            (f"did {who.en} {done} {day.en}", f"{who.zh}{day.zh}{done_zh}了吗"),
            (f"did it {rain} in {city} {day.en}", f"{city_zh}{day.zh}{rain_zh}了吗"),
            (f"{have} {who.en} ever been to {city}", f"{who.zh}去过{city_zh}吗"),
        )
    )


@grammar.construction(weight=10, mark="?")
def what(choose):
    """什么 and 几 stand where the answer will stand.

    What did your mother buy at the market yesterday? / 你妈妈昨天在市场买了什么？
    """
    who, late = asked(choose), choose(RECENTLY)
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


@grammar.construction(weight=3, mark="?")
def where_when(choose):
    """是…的 asks for the circumstances of what is known to have happened.

    Where did you buy this coat? / 你是在哪儿买这件外套的？
    """
    who = asked(choose)
    deed, zh, kinds = choose(((BUY, "买", PORTABLE + BOOKS), (FIND, "找到", BAGS + KEYS)))
    thing = choose(kinds)
    this, this_zh, _, _ = pointed(choose, plain(thing))
    act, every = choose(suited(who)), choose(EVERY)
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


@grammar.construction(weight=11, mark="?")
def who_why_how(choose):
    """谁, 为什么, 怎么, 多少.

    Why did you not go to work yesterday? / 你昨天为什么没去上班？
    """
    who = worker(choose, asked)
    damage, zh, kinds = choose(MISHAPS)
    broken, late = choose(kinds), choose(RECENTLY)
    goods = choose(HATS + SHIRTS + BAGS + DEVICES + BOOKS)
    one, _, goods_zh = described(choose, plain(goods))
    building = choose(BUILDINGS)
    place, place_zh = choose((("work", "上班"), (f"the {building.en}", building.zh)))
    act, where = activity(choose, choose(NAMES))
    (came, came_zh), past = choose(
        (
            (
                Phrase("come to the party", "来参加晚会"),
                (RECENTLY[0], *RECENTLY[3:4], *RECENTLY[6:]),
            ),
            (Phrase("go to work", "去上班"), DAYTIME[:-2]),
            (Phrase("go to the concert", "去听音乐会"), (RECENTLY[3], *RECENTLY[6:])),
            (Phrase("come to the meeting", "来开会"), DAYTIME[:-2]),
            (Phrase("call me", "给我打电话"), RECENTLY),
            (Phrase("open the window", "打开窗户"), RECENTLY[:5]),
            (Phrase("turn off the light", "关灯"), RECENTLY[:5]),
        )
    )
    then, then_zh = choose(past)
    every, every_zh, acts = choose(
        (("every morning", "每天早上", MORNING_ACTS), ("every evening", "每天晚上", EVENING_ACTS))
    )
    daily = choose(acts)
    return choose(
        (
            (f"who {damage.past} the {broken.en} {late.en}", f"{late.zh}是谁把{broken.zh}{zh}的"),
            (f"who is {act.ing} {where.en}", f"谁{progressive(act, where)}"),
            (f"why did {who.en} not {came} {then}", f"{who.zh}{then_zh}为什么没{came_zh}"),
            # The hour is asked for with 几点, an amount with 几 and a measure word.
            (
                f"what time {who.he.do} {who.en} {daily.base} {every}",
                f"{who.zh}{every_zh}几点{daily.zh}",
            ),
            (f"{who.he.do} {who.en} agree", f"{who.zh}同意吗"),
            (f"how {who.he.do} {who.en} go to {place}", f"{who.zh}怎么去{place_zh}"),
            (f"how old is {who.he.my} teacher", f"{who.he.zh}的老师多大了"),
            (f"how much does this {one} cost", f"这{goods.measure}{goods_zh}多少钱"),
            (f"where is the {building.en}", f"{building.zh}在哪儿"),
        )
    )


@grammar.construction(weight=8)
def please(choose):
    """Requests (请) and prohibitions (不要).

    Please put the books on the table. / 请把书放在桌子上。
    """
    act, zh, kinds = choose(CARE)
    thing, item, spot = choose(kinds), choose(BOOKS + KEYS + HATS + DEVICES), choose(SPOTS)
    things_put = item.en if item.en in BULKY else item.plural
    later = phrases(("", ""), ("tomorrow morning", "明天上午"), ("this weekend", "这个周末"))
    before = phrases(("before you go to bed", "睡觉以前"), ("before you leave home", "出门以前"))
    first, first_zh = choose(
        later if act in (REPAIR, WASH) else before if zh == "关掉" else (NOTHING,)
    )
    place, place_zh = choose((LIBRARY, MUSEUM, CLASSROOM, TRAIN, BUS, CINEMA))
    loud, loud_zh = choose(
        phrases(
            ("sing", "唱歌"), ("dance", "跳舞"), ("play cards", "打牌"), ("take photos", "拍照片")
        )
    )
    (whom, whom_zh), soon = choose((("me", "我"), ("the doctor", "医生"))), choose(SOON)
    medicine, medicine_zh = choose(MEDICINE)
    gift = some(choose, choose(FRUIT + DRINKS + CUPS), 3, never=(OLD, BEAUTIFUL))
    return choose(
        (
            (f"please {act.base} the {thing.en} {first}", f"{first_zh}请把{thing.zh}{zh}"),
            (f"please put the {things_put} {spot.en}", f"请把{item.zh}放在{spot.zh}"),
            (f"please do not put your {item.en} {spot.en}", f"请不要把你的{item.zh}放在{spot.zh}"),
            (f"please do not {loud} {place}", f"请不要{place_zh}{loud_zh}"),
            (f"please give me {gift.en}", f"请给我{gift.zh}"),
            # One takes a bus (坐), a photo (拍) or a medicine (吃).
            (f"please {medicine}", f"请{medicine_zh}"),
            (f"please call {whom} {soon.en}", f"请{soon.zh}给{whom_zh}打电话"),
        )
    )


MEDICINE = phrases(
    *[
        (f"take this medicine {times} every day", f"每天吃{times_zh}这种药")
        for times, times_zh in (("twice", "两次"), ("three times", "三次"), ("four times", "四次"))
    ],
    ("take this medicine before you go to bed", "在睡觉以前吃这种药"),
    ("take this medicine after dinner", "在晚饭以后吃这种药"),
    ("take this medicine after lunch", "在午饭以后吃这种药"),
)


@grammar.construction(weight=7)
def asks(choose):
    """Someone has someone do something: 让.

    My mother asked me to cook dinner at home. / 我妈妈让我在家里做晚饭。
    """
    who = choose(choose((PRONOUNS, FAMILY, FRIENDS, NAMES)))
    whom = other(choose, who, helper)
    do, dont = errand(*activity(choose, whom, DUTIES)), activity(choose, whom, DISTRACTIONS)
    act, zh, kinds = choose(fit(whom, CARE))
    thing = choose(kinds)
    handle = Action(act, f"the {thing.en}", f"把{thing.zh}", zh), NOTHING
    medicine = choose(MEDICINE)
    if choose((True, *[False] * 7)):
        return f"the doctor asked {whom.me} to {medicine.en}", f"医生让{whom.zh}{medicine.zh}"
    (asks_to, asks_zh), (act, where) = choose(
        (
            (Phrase(f"asked {whom.me} to", f"让{whom.zh}"), choose((do, handle))),
            (Phrase(f"asked {whom.me} not to", f"让{whom.zh}不要"), dont),
            (Phrase(f"{who.present(WANT)} {whom.me} to", f"想让{whom.zh}"), choose((do, handle))),
        )
    )
    return f"{who.en} {asks_to} {act.base} {where.en}", f"{who.zh}{asks_zh}{where.zh}{act.zh}"


def helper(choose: Choose) -> Person:
    return worker(
        choose, lambda choose: choose((named(choose), choose(PRONOUNS), choose(PRONOUNS)))
    )


# --- Constructions: two clauses -------------------------------------------------------------------


@grammar.construction(weight=3)
def both(choose):
    """都 gathers the subjects, or the objects, before it; 既…也 and 不但…而且.

    Both my father and my mother like to play tennis. / 我爸爸和我妈妈都喜欢打网球。
    """
    who = named(choose)
    whom = other(choose, who, named)
    act = choose(suited(who, suited(whom)))
    again = choose([choice for choice in suited(who) if choice.verb is not act.verb])
    one = choose(LANGUAGES)
    two = choose([language for language in LANGUAGES if language is not one])
    thing = choose(GOODS)
    good = [q for q in thing.qualities if q in PRAISE]
    first = choose(good)
    rest = [q for q in good if q is not first and {q, first} != {CHEAP, EXPENSIVE}] or [USEFUL]
    second = choose(rest)
    en, zh, is_, _ = pointed(choose, plain(thing))
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


PRAISE = (INTERESTING, USEFUL, BEAUTIFUL, CHEAP, COMFORTABLE, WARM, LIGHT)


@grammar.construction(weight=5)
def meanwhile(choose):
    """Two people, two activities: "while" is 而 in a contrast.

    My father is reading the newspaper at home while my mother is waiting for the bus at the
    station. / 我爸爸正在家里看报纸，而我妈妈正在车站等公共汽车。
    """
    who = someone(choose)
    whom = other(choose, who)
    act, where = activity(choose, who, suited(whom))
    deed, there = activity(choose, whom, ACTIVITIES + 3 * CHORES)
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
    """A reason in the past and what followed from it, or what was done in spite of it."""
    who, when, day = worker(choose), choose(DAYTIME), choose(RECENT_DAYS)
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
    thing = choose(SHIRTS + HATS[:1])
    fault, fault_zh = choose(
        phrases(("too expensive", "太贵了"), ("too big", "太大了"), ("too small", "太小了"))
    )
    place, place_zh = choose((SHOP, SUPERMARKET, MARKET))
    one, _, zh = described(choose, plain(thing))
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

    Because it was raining yesterday, my father took a taxi. / 因为昨天下雨，所以我爸爸坐了出租车。
    """
    reason, result = choose((consequence(choose, despite=False), purchase(choose)))
    # The reason comes first when it carries the noun that the result's pronoun stands for.
    return f"because {reason.en}, {result.en}", f"因为{reason.zh}，所以{result.zh}"


@grammar.construction(weight=4)
def although(choose):
    """虽然…但是: English has one conjunction, Chinese two.

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


@grammar.construction(weight=4)
def condition(choose):
    """如果…就; 就 stands after the second subject.

    If it rains tomorrow, we will stay at home. / 如果明天下雨，我们就待在家里。
    """
    who, when = someone(choose), choose((*SOON[:3], *SOON[4:]))
    act = choose(suited(who, OUTDOORS))
    place = choose([place for place in act.places if place in OUTSIDE])
    home = choose([act for act in suited(who) if HOME in act.places])
    bad, bad_zh = choose(phrases(("it rains", "下雨"), ("it snows", "下雪")))
    stay, stay_zh = choose(
        phrases(("stay at home", "待在家里"), (f"{home.base} at home", f"在家里{home.zh}"))
    )
    out, out_zh = f"{act.base} {place.en}", f"去{place.zh.removeprefix('在')}{act.zh}"
    buyer, rich = adult(choose), choose(SOMEDAY[2:4])
    wish = choose(CARS[:1] + HOUSES + DEVICES)
    wish = some(choose, dataclasses.replace(wish, qualities=(NEW,)), most=1)
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


@grammar.construction(weight=5)
def when(choose):
    """…的时候 closes its clause.

    When I got home, my mother was cooking dinner in the kitchen. /
    我到家的时候，我妈妈正在厨房做晚饭。
    """
    who = someone(choose)
    whom = other(choose, who)
    (arrived, arrived_zh), there = choose(ARRIVALS)
    act, where = choose(
        [(a, w) for a in suited(whom, ACTIVITIES + CHORES) for w in a.places if w in there]
    )
    # Where the first clause has named the place, the second does not.
    there = where if where in (KITCHEN, LIVING_ROOM, GARDEN) else NOTHING
    mood, mood_zh = choose(phrases(("tired", "累"), ("sad", "难过"), ("happy", "高兴")))
    calm = choose([act for act in suited(who) if act.verb in (LISTEN, READ, DRAW, DRINK, SING)])
    fun = choose(suited(who, LEISURE))
    return choose(
        (
            (
                f"when {who.en} {arrived}, {whom.en} {whom.he.was} {act.ing} {there.en}",
                f"{who.zh}{arrived_zh}的时候，{whom.zh}{progressive(act, there)}",
            ),
            (
                f"{whom.en} {whom.he.was} {act.ing} {where.en} when {who.en} called",
                f"{who.zh}打电话来的时候，{whom.zh}{progressive(act, where)}",
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
    homework = phrases((f"finished {he.my} homework", "做完作业"), ("finished the exam", "考完试"))
    before, before_zh = choose(
        phrases(
            (f"{he.en} {who.present(GO)} to bed", "睡觉"),
            (f"{he.en} {who.present(HAVE)} dinner", "吃晚饭"),
            (f"{he.en} {who.present(verb('leave'))} home", "出门"),
        )
    )
    calm = choose([act for act in suited(who) if HOME in act.places])
    after, after_zh = choose(
        phrases(
            *(homework if who in PUPILS else ()),
            ("had dinner", "吃完晚饭"),
            ("cleaned the room", "打扫完房间"),
            ("washed the clothes", "洗完衣服"),
            *([("cooked dinner", "做完晚饭")] if who not in YOUNG else []),
        )
    )
    late, time = choose((*RECENT_DAYS, RECENTLY[3])), choose(BRIEF)
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
    homework = phrases(
        (f"finished {who.he.my} homework", "做完作业"), ("finished the exam", "考完试")
    )
    first, first_zh = choose(
        phrases(
            ("got home", "到家"),
            ("got up", "起床"),
            ("had breakfast", "吃完早饭"),
            *(homework if who in PUPILS else ()),
        )
    )
    then, then_zh = choose(
        phrases(
            ("turned on the television", "打开了电视"),
            *([("turned on the light", "打开了灯")] if first in ("got home", "got up") else []),
            ("turned on the computer", "打开了电脑"),
            ("opened the window", "打开了窗户"),
            (f"called {who.he.my} friends", "给朋友打了电话"),
        )
    )
    return (
        f"as soon as {who.en} {first} {when.en}, {who.he.en} {then}",
        f"{who.zh}{when.zh}一{first_zh}就{then_zh}",
    )


@grammar.construction(weight=6)
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


@grammar.construction(weight=11)
def that_clause(choose):
    """Thinking, knowing and saying: the clause follows as it is.

    I think that the coat that she bought yesterday is too expensive. / 我觉得她昨天买的外套太贵了。
    """
    who = adult(choose)
    verbs = [
        *[((who.present(verb("think")), "觉得"), choose((opinion, relative_subject)))] * 2,
        ((who.present(verb("know")), "知道"), choose(FACTS)),
        ((who.present(verb("believe")), "相信"), choose(FACTS)),
        ((f"{who.he.have} heard", "听说"), choose(FACTS)),
    ]
    if who.he not in (I, WE):
        verbs.append(((who.present(verb("say")), "说"), choose(FACTS + REASONED)))
    (thinks, thinks_zh), clause = choose(verbs)
    while True:
        en, zh = clause(choose)
        # "I know that I am singing" goes without saying, and "that that" sounds ill.
        if f" {who.en} " not in f" {en} " and not en.startswith("that "):
            return f"{who.en} {thinks} that {en}", f"{who.zh}{thinks_zh}{zh}"


FACTS = (past, future, now, relative_subject, compared_things, exists, skill, superlative, lived)
REASONED = (because, because, although, although, condition, meanwhile)


@grammar.construction(weight=4)
def disagreement(choose):
    """Two opinions, each on things that a relative clause tells of: the longest sentences.

    Tom says that the film that we saw last week was very long, but Anna thinks that it was not
    very long. / 汤姆说我们上周看的电影很长，但是安娜觉得不太长。
    """
    who = named(choose)
    whom = other(choose, who, named)
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
