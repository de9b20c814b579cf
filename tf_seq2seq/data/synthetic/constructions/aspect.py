"""How long, how often, already and again: aspect particles and the adverbs that go with them."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.actions import (
    ACTIVITIES,
    BORROW,
    BUY,
    COOK,
    DRAW,
    DRINK,
    EAT,
    HOUSEWORK,
    LOSE,
    MAKE,
    READ,
    RECEIVE,
    REPAIR,
    RUN,
    SELL,
    SLEEP,
    STUDY_LANGUAGES,
    SWIM,
    TAKE,
    WRITE,
)
from tf_seq2seq.data.synthetic.lexicon.deeds import DEEDS, deeds_of
from tf_seq2seq.data.synthetic.lexicon.kinds import NOTHING, Action, Person, Phrase, phrases
from tf_seq2seq.data.synthetic.lexicon.people import FAMILY, FRIENDS, NAMES, PRONOUNS, PUPILS
from tf_seq2seq.data.synthetic.lexicon.places import CITIES, HOME, LIVING_ROOM, SHOP, TRAIN
from tf_seq2seq.data.synthetic.lexicon.things import (
    CARS,
    DEVICES,
    DRESSES,
    FLOWERS,
    FRUIT,
    FURNITURE,
    HATS,
    HOUSES,
    PETS,
    SHIRTS,
    TABLES,
    UMBRELLAS,
)
from tf_seq2seq.data.synthetic.lexicon.times import (
    BRIEF_DURATIONS,
    DURATIONS,
    LAST_WEEKEND,
    NUMBERS,
    YESTERDAY_OR_TODAY,
)
from tf_seq2seq.data.synthetic.phrases import (
    activity_for,
    adult,
    deed_with,
    past_time,
    someone,
    worker,
)

family = Family()


@family.construction(weight=6)
def duration(choose: Choose) -> Clause:
    """Put the time that something took between verb and object.

    He played the guitar at home for two hours last night. / 他昨晚在家里弹了两个小时吉他。
    """
    who = someone(choose)
    act, where = activity_for(choose, who, (*ACTIVITIES, *HOUSEWORK[:2], NAP, NAP, NAP))
    when = past_time(choose, act, where)
    # Nobody runs for three hours.
    brief = act.verb in (RUN, SWIM, COOK, DRINK) or act.object == "the newspaper"
    time = choose(BRIEF_DURATIONS if brief else DURATIONS)
    return (
        f"{who.en} {act.past} {where.en} for {time.en} {when.en}",
        f"{who.zh}{when.zh}{where.zh}{act.zh_verb}了{time.zh}{act.zh_object}",
    )


NAP = Action(SLEEP, "", "睡", "觉", (HOME, TRAIN, LIVING_ROOM))


@family.construction(weight=2)
def lived(choose: Choose) -> Clause:
    """State a longer duration: a final 了 means that it has not ended.

    My parents have lived in Paris for three years. / 我父母在巴黎住了三年了。
    """
    who, (city, city_zh), (n, n_zh) = adult(choose), choose(CITIES), choose(NUMBERS)
    unit, unit_zh = choose(phrases(("years", "年"), ("months", "个月")))
    act = choose(STUDY_LANGUAGES)
    return choose(
        (
            (f"{who.en} lived in {city} for {n} {unit}", f"{who.zh}在{city_zh}住了{n_zh}{unit_zh}"),
            (
                f"{who.en} {who.have} lived in {city} for {n} {unit}",
                f"{who.zh}在{city_zh}住了{n_zh}{unit_zh}了",
            ),
            (
                f"{who.en} {who.have} studied {act.object} for {n} {unit}",
                f"{who.zh}学了{n_zh}{unit_zh}{act.zh_object}了",
            ),
            (f"{who.en} used to live in {city}", f"{who.zh}以前住在{city_zh}"),
        )
    )


@family.construction(weight=6)
def experience(choose: Choose) -> Clause:
    """State an experience with 过, and how often.

    I have never ridden a horse. / 我从来没骑过马。
    """
    who, (city, city_zh), (n, n_zh) = adult(choose), choose(CITIES), choose(NUMBERS[1:6])
    (en, zh, zh_object), have = choose(EXPERIENCES), who.have
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


@family.construction(weight=7)
def trade(choose: Choose) -> Clause:
    """Say what people sell or repair for a living: generic nouns take no measure word.

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
    """Choose anyone but a doctor, a teacher or a student."""
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


@family.construction(weight=4)
def already(choose: Choose) -> Clause:
    """Say that something is already done (已经…了) or not yet (还没).

    The students have already finished their homework. / 学生们已经做完作业了。
    """
    who = someone(choose)
    en, done, undone = choose(
        (
            *([(f"finished {who.my} homework", *["做完作业"] * 2)] * 3 if who in PUPILS else []),
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
    have = who.have
    return choose(
        (
            (f"{who.en} {have} already {en}", f"{who.zh}已经{done}了"),
            (f"{who.en} {have} not {en} yet", f"{who.zh}还没{undone}"),
        )
    )


@family.construction(weight=3)
def focus(choose: Choose) -> Clause:
    """Put "only" (只), "also" (也) or "again" (又) before the verb.

    I also bought an orange at the market yesterday. / 我昨天也在市场买了一个橙子。
    """
    (adverb, adverb_zh), deeds = choose(FOCUSES)
    deed, act = deed_with(choose, deeds)
    who, when, where = adult(choose), choose(deed.times), choose(deed.places)
    did = choose(
        phrases((f"{who.was} late", "迟到"), ("won", "赢"), ("lost", "输"), ("laughed", "笑"))
    )
    late = choose((*YESTERDAY_OR_TODAY, *LAST_WEEKEND))
    before, after = ("", adverb) if adverb == "again" else (adverb, "")
    # 只 immediately precedes the verb: 在市场只买了一个橙子.
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
