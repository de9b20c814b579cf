"""The words of the synthetic corpus, and the kinds of words, in both languages."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

# --- Kinds of words -------------------------------------------------------------------------------


class Phrase(NamedTuple):
    """A piece of a sentence in both languages."""

    en: str
    zh: str


def phrases(*pairs: tuple[str, str]) -> tuple[Phrase, ...]:
    return tuple(Phrase(*pair) for pair in pairs)


NOTHING = Phrase("", "")


@dataclasses.dataclass(frozen=True)
class Pronoun:
    en: str
    zh: str
    me: str
    my: str
    am: str
    was: str
    have: str
    do: str


I = Pronoun("I", "我", "me", "my", "am", "was", "have", "do")  # noqa: E741
YOU = Pronoun("you", "你", "you", "your", "are", "were", "have", "do")
HE = Pronoun("he", "他", "him", "his", "is", "was", "has", "does")
SHE = Pronoun("she", "她", "her", "her", "is", "was", "has", "does")
WE = Pronoun("we", "我们", "us", "our", "are", "were", "have", "do")
THEY = Pronoun("they", "他们", "them", "their", "are", "were", "have", "do")


@dataclasses.dataclass(frozen=True)
class Person:
    """Someone, with the pronoun that a second mention takes and that verbs agree with."""

    en: str
    zh: str
    he: Pronoun

    @property
    def me(self) -> str:
        return self.he.me if self.en == self.he.en else self.en

    @property
    def plural(self) -> bool:
        return self.he in (WE, THEY)

    @property
    def old(self) -> bool:
        return self.en.endswith(("grandmother", "grandfather", "old man"))

    def present(self, verb: Verb | Action) -> str:
        return verb.s if self.he in (HE, SHE) else verb.base


@dataclasses.dataclass(frozen=True)
class Verb:
    base: str
    s: str
    past: str
    done: str
    ing: str


def verb(base: str, past: str = "", done: str = "", ing: str = "") -> Verb:
    """A verb from its base form and those of its other forms that are not regular."""
    stem = base.removesuffix("e")
    return Verb(
        base=base,
        s=plural_of(base),
        past=past or stem + "ed",
        done=done or past or stem + "ed",
        ing=ing or stem + "ing",
    )


def plural_of(word: str) -> str:
    """Regular plural of a noun; the third person of a verb follows the same spelling."""
    if word.endswith(("s", "sh", "ch", "x")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


@dataclasses.dataclass(frozen=True)
class Action:
    """A verb with its object, and the places where one does that.

    Args:
        counted: whether the object is a definite amount, as in "ate two apples". Then 了 follows
            the Chinese verb (吃了两个苹果); otherwise it follows the object (吃苹果了).
    """

    verb: Verb
    object: str
    zh_verb: str
    zh_object: str
    places: tuple[Phrase, ...] = (NOTHING,)
    counted: bool = False

    @property
    def base(self) -> str:
        return f"{self.verb.base} {self.object}"

    @property
    def s(self) -> str:
        return f"{self.verb.s} {self.object}"

    @property
    def past(self) -> str:
        return f"{self.verb.past} {self.object}"

    @property
    def done(self) -> str:
        return f"{self.verb.done} {self.object}"

    @property
    def ing(self) -> str:
        return f"{self.verb.ing} {self.object}"

    @property
    def zh(self) -> str:
        return self.zh_verb + self.zh_object

    @property
    def zh_past(self) -> str:
        if self.counted:
            return f"{self.zh_verb}了{self.zh_object}"
        return f"{self.zh}了"


@dataclasses.dataclass(frozen=True)
class Quality:
    """An adjective; Chinese has one form before a noun and one as the predicate."""

    en: str
    zh_before: str
    zh: str
    more: str
    most: str


def quality(en: str, zh_before: str, zh: str = "", more: str = "", most: str = "") -> Quality:
    """An adjective; the predicate is by default the form before the noun without its 的."""
    return Quality(
        en,
        zh_before,
        zh or zh_before.removesuffix("的"),
        more or f"more {en}",
        most or f"most {en}",
    )


@dataclasses.dataclass(frozen=True)
class Thing:
    """A countable noun with its measure word and the adjectives that suit it."""

    en: str
    plural: str
    zh: str
    measure: str
    qualities: tuple[Quality, ...] = ()
    colours: tuple[Phrase, ...] = ()


@dataclasses.dataclass(frozen=True)
class Deed:
    """What is done to things of some kind, and where and when one does it.

    Args:
        most: how many things one does it to at a time.
        never: qualities that things so treated do not have.
        was: whether the thing is gone afterwards and spoken of in the past.
    """

    verb: Verb
    zh: str
    things: tuple[Thing, ...]
    places: tuple[Phrase, ...]
    times: tuple[Phrase, ...]
    most: int = 5
    never: tuple[Quality, ...] = ()
    was: bool = False


# --- People ---------------------------------------------------------------------------------------

PRONOUNS = tuple(Person(p.en, p.zh, p) for p in (I, HE, SHE, WE, THEY))

KIN = (
    ("mother", "妈妈", SHE),
    ("father", "爸爸", HE),
    ("grandmother", "奶奶", SHE),
    ("grandfather", "爷爷", HE),
    ("older brother", "哥哥", HE),
    ("younger brother", "弟弟", HE),
    ("older sister", "姐姐", SHE),
    ("younger sister", "妹妹", SHE),
    ("parents", "父母", THEY),
)
FAMILY = tuple(
    Person(f"{owner.my} {en}", f"{owner.zh}{zh}", pronoun)
    for owner in (I, I, HE, SHE)
    for en, zh, pronoun in KIN
)
YOUR_FAMILY = tuple(Person(f"your {en}", f"你{zh}", pronoun) for en, zh, pronoun in KIN)

ACQUAINTANCES = (
    ("friend", "朋友", HE),
    ("friend", "朋友", SHE),
    ("teacher", "老师", HE),
    ("teacher", "老师", SHE),
    ("neighbour", "邻居", HE),
    ("neighbour", "邻居", SHE),
    ("colleague", "同事", HE),
    ("colleague", "同事", SHE),
)
FRIENDS = tuple(Person(f"my {en}", f"我的{zh}", pronoun) for en, zh, pronoun in ACQUAINTANCES)
YOUR_FRIENDS = tuple(
    Person(f"your {en}", f"你的{zh}", pronoun) for en, zh, pronoun in ACQUAINTANCES
)
NAMES = (
    Person("Tom", "汤姆", HE),
    Person("Peter", "彼得", HE),
    Person("Anna", "安娜", SHE),
    Person("Mary", "玛丽", SHE),
)
# Chinese has one word for a person's age and another for that of things: 老人, but 旧书.
STRANGERS = (
    Person("the old man", "那位老人", HE),
    Person("the woman", "那个女人", SHE),
    Person("the doctor", "那位医生", HE),
    Person("the doctor", "那位医生", SHE),
)
YOUNG = (
    Person("the children", "孩子们", THEY),
    Person("the students", "学生们", THEY),
    Person("the girl", "那个女孩", SHE),
    Person("the boy", "那个男孩", HE),
    Person("my son", "我儿子", HE),
    Person("my daughter", "我女儿", SHE),
)


# --- Time and place -------------------------------------------------------------------------------

RECENTLY = phrases(
    ("yesterday", "昨天"),
    ("yesterday morning", "昨天上午"),
    ("yesterday afternoon", "昨天下午"),
    ("last night", "昨晚"),
    ("this morning", "今天上午"),
    ("two days ago", "两天前"),
    ("last Saturday", "上周六"),
    ("last Sunday", "上周日"),
)
DAYTIME = tuple(time for time in RECENTLY if time.en != "last night")
RECENT_DAYS = RECENTLY[:1] + RECENTLY[5:]
ONCE = RECENTLY + phrases(
    ("last week", "上周"),
    ("last month", "上个月"),
    ("last year", "去年"),
    ("three weeks ago", "三周前"),
    ("four months ago", "四个月前"),
    ("last Monday", "上周一"),
)
SOON = phrases(
    ("tomorrow", "明天"),
    ("tomorrow morning", "明天上午"),
    ("tomorrow afternoon", "明天下午"),
    ("tonight", "今晚"),
    ("this weekend", "这个周末"),
    ("next Saturday", "下周六"),
    ("next Sunday", "下周日"),
    ("next Monday", "下周一"),
)
SOMEDAY = phrases(
    ("tomorrow", "明天"),
    ("next week", "下周"),
    ("next month", "下个月"),
    ("next year", "明年"),
    ("next summer", "明年夏天"),
)
EVERY = phrases(
    ("every day", "每天"),
    ("every morning", "每天早上"),
    ("every afternoon", "每天下午"),
    ("every evening", "每天晚上"),
    ("every weekend", "每个周末"),
    ("every Saturday", "每周六"),
    ("every Sunday", "每周日"),
)
SEASONS = phrases(
    ("in spring", "春天"), ("in summer", "夏天"), ("in autumn", "秋天"), ("in winter", "冬天")
)
OFTEN = phrases(("often", "经常"), ("usually", "通常"), ("always", "总是"), ("sometimes", "有时"))

HOURS = phrases(
    ("one", "一"),
    ("two", "两"),
    ("three", "三"),
    ("four", "四"),
    ("five", "五"),
    ("six", "六"),
    ("seven", "七"),
    ("eight", "八"),
    ("nine", "九"),
    ("ten", "十"),
)
NUMBERS = HOURS[1:10]
TENS = phrases(("twenty", "二十"), ("thirty", "三十"), ("fifty", "五十"), ("eighty", "八十"))
MORNING, AFTERNOON, EVENING = HOURS[5:], HOURS[:5], HOURS[5:9]
DURATIONS = phrases(
    ("an hour", "一个小时"),
    ("half an hour", "半个小时"),
    ("two hours", "两个小时"),
    ("three hours", "三个小时"),
    ("twenty minutes", "二十分钟"),
    ("fifty minutes", "五十分钟"),
)

HOME = Phrase("at home", "在家里")
LIBRARY = Phrase("in the library", "在图书馆")
PARK = Phrase("in the park", "在公园")
GARDEN = Phrase("in the garden", "在花园里")
KITCHEN = Phrase("in the kitchen", "在厨房")
LIVING_ROOM = Phrase("in the living room", "在客厅")
CLASSROOM = Phrase("in the classroom", "在教室")
OFFICE = Phrase("in the office", "在办公室")
RESTAURANT = Phrase("in the restaurant", "在餐馆")
COFFEE_SHOP = Phrase("in the coffee shop", "在咖啡馆")
SUPERMARKET = Phrase("in the supermarket", "在超市")
BOOKSHOP = Phrase("in the bookshop", "在书店")
SHOP = Phrase("in that shop", "在那家商店")
MARKET = Phrase("at the market", "在市场")
MUSEUM = Phrase("in the museum", "在博物馆")
CINEMA = Phrase("at the cinema", "在电影院")
STATION = Phrase("at the station", "在车站")
TRAIN = Phrase("on the train", "在火车上")
BUS = Phrase("on the bus", "在公共汽车上")
RIVER = Phrase("in the river", "在河里")
BEACH = Phrase("on the beach", "在海边")
POOL = Phrase("in the swimming pool", "在游泳池")
# By the river, a bank is 河边; in the street, it is a 银行.
RIVERBANK = Phrase("on the bank of the river", "在河边")
OUTSIDE = (PARK, BEACH, GARDEN, RIVERBANK, RIVER)

# --- Things ---------------------------------------------------------------------------------------

NEW = quality("new", "新", more="newer", most="newest")
OLD = quality("old", "旧", more="older", most="oldest")
BIG = quality("big", "大", more="bigger", most="biggest")
SMALL = quality("small", "小", more="smaller", most="smallest")
CHEAP = quality("cheap", "便宜的", more="cheaper", most="cheapest")
EXPENSIVE = quality("expensive", "昂贵的", "贵")
BEAUTIFUL = quality("beautiful", "漂亮的")
INTERESTING = quality("interesting", "有趣的")
BORING = quality("boring", "无聊的")
USEFUL = quality("useful", "有用的")
LONG = quality("long", "长", more="longer", most="longest")
SHORT = quality("short", "短", more="shorter", most="shortest")
WARM = quality("warm", "暖和的", more="warmer", most="warmest")
COMFORTABLE = quality("comfortable", "舒服的")
HARD_SEAT = quality("hard", "硬", more="harder", most="hardest")
HARD_QUESTION = quality("hard", "难", more="harder", most="hardest")
HEAVY = quality("heavy", "重", more="heavier", most="heaviest")
LIGHT = quality("light", "轻", more="lighter", most="lightest")
TASTY_FOOD = quality("tasty", "好吃的", more="tastier", most="tastiest")
TASTY_DRINK = quality("tasty", "好喝的", more="tastier", most="tastiest")
# These may stand before a noun; the others are predicates only, where Chinese would want 很…的.
ATTRIBUTES = (
    *(NEW, OLD, BIG, SMALL, CHEAP, EXPENSIVE, BEAUTIFUL, INTERESTING, USEFUL),
    *(LONG, SHORT, COMFORTABLE),
)
COLOURS = phrases(
    ("red", "红色"),
    ("blue", "蓝色"),
    ("light blue", "浅蓝色"),
    ("green", "绿色"),
    ("light green", "浅绿色"),
    ("black", "黑色"),
    ("white", "白色"),
)


def things(*words: tuple[str, ...], qualities=(), colours=()) -> tuple[Thing, ...]:
    """Things from (English, Chinese, measure word) and, where it is irregular, the plural."""
    return tuple(
        Thing(en, irregular[0] if irregular else plural_of(en), zh, measure, qualities, colours)
        for en, zh, measure, *irregular in words
    )


BOOKS = things(
    ("book", "书", "本"),
    ("novel", "小说", "本"),
    ("magazine", "杂志", "本"),
    qualities=(INTERESTING, BORING, USEFUL, NEW, OLD, CHEAP, EXPENSIVE, HEAVY),
)
LETTERS = things(("letter", "信", "封"), qualities=(LONG, INTERESTING))
FILMS = things(("film", "电影", "部"), qualities=(INTERESTING, BORING, NEW, LONG))
DRESSES = things(
    ("dress", "裙子", "条"),
    qualities=(NEW, OLD, BEAUTIFUL, EXPENSIVE, CHEAP, LONG, SHORT),
    colours=COLOURS,
)
SHIRTS = things(
    ("shirt", "衬衫", "件"),
    ("coat", "外套", "件"),
    ("sweater", "毛衣", "件"),
    qualities=(NEW, OLD, BEAUTIFUL, EXPENSIVE, CHEAP, COMFORTABLE, BIG, SMALL),
    colours=COLOURS,
)
HATS = things(
    ("hat", "帽子", "顶"),
    ("scarf", "围巾", "条", "scarves"),
    qualities=(NEW, OLD, BEAUTIFUL, EXPENSIVE, CHEAP, WARM),
    colours=COLOURS,
)
HANDBAGS = things(
    ("bag", "包", "个"), qualities=(NEW, OLD, BIG, SMALL, HEAVY, LIGHT, CHEAP, EXPENSIVE)
)
UMBRELLAS = things(
    ("umbrella", "雨伞", "把"),
    qualities=(NEW, OLD, BIG, SMALL, HEAVY, LIGHT, CHEAP, EXPENSIVE),
    colours=COLOURS,
)
BAGS = HANDBAGS + UMBRELLAS
DEVICES = things(
    ("phone", "手机", "部"),
    ("camera", "照相机", "台"),
    ("computer", "电脑", "台"),
    ("watch", "手表", "块"),
    qualities=(NEW, OLD, EXPENSIVE, CHEAP, LIGHT, HEAVY),
)
FURNITURE = things(
    ("chair", "椅子", "把"),
    ("bed", "床", "张"),
    qualities=(NEW, OLD, COMFORTABLE, HARD_SEAT, CHEAP, EXPENSIVE, BIG, SMALL),
)
TABLES = things(
    ("table", "桌子", "张"), qualities=(NEW, OLD, BIG, SMALL, LONG, HEAVY, CHEAP, EXPENSIVE)
)
CARS = things(
    ("car", "汽车", "辆"),
    ("bicycle", "自行车", "辆"),
    qualities=(NEW, OLD, EXPENSIVE, CHEAP, BEAUTIFUL),
    colours=COLOURS,
)
HOUSES = things(
    ("house", "房子", "栋"), qualities=(NEW, OLD, BIG, SMALL, EXPENSIVE, BEAUTIFUL, COMFORTABLE)
)
FRUIT = things(("apple", "苹果", "个"), ("orange", "橙子", "个"), qualities=(TASTY_FOOD, BIG))
CAKES = things(("cake", "蛋糕", "个"), qualities=(BIG, SMALL, TASTY_FOOD))
FISH = things(("fish", "鱼", "条", "fish"), qualities=(BIG, SMALL))
DISHES = things(
    ("bowl of rice", "米饭", "碗", "bowls of rice"),
    ("bowl of noodles", "面条", "碗", "bowls of noodles"),
    qualities=(TASTY_FOOD,),
)
DRINKS = things(
    ("cup of tea", "茶", "杯", "cups of tea"),
    ("cup of coffee", "咖啡", "杯", "cups of coffee"),
    qualities=(TASTY_DRINK,),
)
PETS = things(
    ("cat", "猫", "只"),
    ("dog", "狗", "只"),
    ("bird", "鸟", "只"),
    qualities=(BEAUTIFUL, BIG, SMALL),
)
FLOWERS = things(("flower", "花", "朵"), qualities=(BEAUTIFUL, BIG, SMALL))
TREES = things(("tree", "树", "棵"), qualities=(BIG, SMALL))
KEYS = things(("key", "钥匙", "把"))
PHOTOS = things(("photo", "照片", "张"), qualities=(BEAUTIFUL, INTERESTING))
GIFTS = things(("gift", "礼物", "份"), qualities=(BEAUTIFUL, EXPENSIVE))
QUESTIONS = things(("question", "问题", "个"), qualities=(HARD_QUESTION, INTERESTING))
CUPS = things(("cup", "杯子", "个"), qualities=(NEW, OLD, BEAUTIFUL, BIG, SMALL), colours=COLOURS)
STUDENTS = things(("student", "学生", "个"))

CITIES = phrases(
    ("Beijing", "北京"),
    ("Shanghai", "上海"),
    ("London", "伦敦"),
    ("Paris", "巴黎"),
    ("Japan", "日本"),
)
BUILDINGS = things(
    ("bank", "银行", "家"),
    ("hotel", "酒店", "家"),
    ("hospital", "医院", "家"),
    ("restaurant", "餐馆", "家"),
    ("supermarket", "超市", "家"),
    ("bookshop", "书店", "家"),
    ("school", "学校", "所"),
    ("library", "图书馆", "个"),
    ("museum", "博物馆", "个"),
    ("park", "公园", "个"),
)
NEAR = phrases(
    ("next to", "旁边"),
    ("in front of", "前面"),
    ("behind", "后面"),
    ("opposite", "对面"),
    ("near", "附近"),
)

# --- Actions --------------------------------------------------------------------------------------

READ = verb("read", "read")
WRITE = verb("write", "wrote", "written")
BUY = verb("buy", "bought")
SELL = verb("sell", "sold")
EAT = verb("eat", "ate", "eaten")
DRINK = verb("drink", "drank", "drunk")
HAVE = Verb("have", "has", "had", "had", "having")
MAKE = verb("make", "made")
TAKE = verb("take", "took", "taken")
SEE = verb("see", "saw", "seen", "seeing")
FIND = verb("find", "found")
LOSE = verb("lose", "lost")
DRAW = verb("draw", "drew", "drawn")
PLAY = verb("play", "played")
SING = verb("sing", "sang", "sung")
SWIM = verb("swim", "swam", "swum", "swimming")
RUN = verb("run", "ran", "run", "running")
SLEEP = verb("sleep", "slept")
STUDY = verb("study", "studied")
WEAR = verb("wear", "wore", "worn")
GIVE = verb("give", "gave", "given")
SEND = verb("send", "sent")
LEND = verb("lend", "lent")
GO = Verb("go", "goes", "went", "gone", "going")
LIVE, WORK, COOK, LIKE, WANT = (verb(base) for base in ("live", "work", "cook", "like", "want"))
CLEAN, WASH, REPAIR, BORROW, RECEIVE, PLANT = (
    verb(base) for base in ("clean", "wash", "repair", "borrow", "receive", "plant")
)
LISTEN, WATCH, VISIT, DANCE, WAIT, LAUGH, CALL, NEED = (
    verb(base) for base in ("listen", "watch", "visit", "dance", "wait", "laugh", "call", "need")
)

# Verbs without an object in English. Twice each below, or else their forms would be rare.
BARE = (
    Action(SWIM, "", "游", "泳", (RIVER, POOL)),
    Action(RUN, "", "跑", "步", (PARK, BEACH)),
    Action(SING, "", "唱", "歌", (PARK, LIVING_ROOM)),
    Action(DANCE, "", "跳", "舞", (PARK, LIVING_ROOM)),
    Action(verb("fish"), "", "钓", "鱼", (RIVERBANK,)),
)

# The instrument or the ball decides what "play" is: 踢足球, 打网球, 弹钢琴, 拉小提琴, 下棋.
TOGETHER = (
    *(2 * BARE),
    Action(PLAY, "football", "踢", "足球", (PARK, BEACH)),
    Action(PLAY, "basketball", "打", "篮球", (PARK,)),
    Action(PLAY, "tennis", "打", "网球", (PARK,)),
    Action(PLAY, "chess", "下", "棋", (PARK, HOME, GARDEN)),
    Action(PLAY, "cards", "打", "牌", (HOME, LIVING_ROOM)),
    Action(DRINK, "tea", "喝", "茶", (GARDEN, HOME, RESTAURANT)),
    Action(DRINK, "coffee", "喝", "咖啡", (COFFEE_SHOP, HOME, OFFICE)),
    Action(WATCH, "television", "看", "电视", (HOME, LIVING_ROOM)),
    Action(WATCH, "films", "看", "电影", (CINEMA, HOME)),
    Action(TAKE, "photos", "拍", "照片", (PARK, BEACH, GARDEN)),
)
ACTIVITIES = (
    *TOGETHER,
    Action(PLAY, "the piano", "弹", "钢琴", (HOME, LIVING_ROOM)),
    Action(PLAY, "the guitar", "弹", "吉他", (PARK, HOME, BEACH)),
    Action(PLAY, "the violin", "拉", "小提琴", (LIVING_ROOM, HOME)),
    Action(READ, "books", "看", "书", (LIBRARY, HOME, TRAIN, GARDEN, BOOKSHOP, RIVERBANK)),
    Action(READ, "the newspaper", "看", "报纸", (LIBRARY, HOME, COFFEE_SHOP, TRAIN)),
    Action(LISTEN, "to music", "听", "音乐", (HOME, BUS, TRAIN, LIVING_ROOM)),
    Action(WRITE, "letters", "写", "信", (HOME, LIBRARY)),
    Action(DRAW, "pictures", "画", "画", (CLASSROOM, GARDEN, RIVERBANK)),
    Action(STUDY, "Chinese", "学", "中文", (LIBRARY, HOME, CLASSROOM)),
    Action(STUDY, "English", "学", "英语", (LIBRARY, HOME, CLASSROOM)),
    Action(STUDY, "history", "学", "历史", (LIBRARY, CLASSROOM)),
)
CHORES = (
    Action(COOK, "dinner", "做", "晚饭", (KITCHEN, HOME)),
    Action(HAVE, "breakfast", "吃", "早饭", (KITCHEN, HOME)),
    Action(HAVE, "lunch", "吃", "午饭", (RESTAURANT, HOME)),
    Action(WASH, "clothes", "洗", "衣服", (HOME,)),
    Action(CLEAN, "the room", "打扫", "房间"),
    Action(WAIT, "for the bus", "等", "公共汽车", (STATION,)),
    Action(BUY, "vegetables", "买", "菜", (MARKET, SUPERMARKET)),
)
GOING = (
    Action(VISIT, "the museum", "参观", "博物馆"),
    Action(VISIT, "Beijing", "游览", "北京"),
    Action(VISIT, "Paris", "游览", "巴黎"),
    Action(TAKE, "the train to Shanghai", "坐", "火车去上海"),
    Action(TAKE, "the train to Beijing", "坐", "火车去北京"),
)
# What old people leave to the young, and the young to their parents.
STRENUOUS = tuple(
    act for act in ACTIVITIES if act.object in ("football", "basketball") or act.verb is RUN
)
GROWN_UP = tuple(
    act
    for act in ACTIVITIES + CHORES
    if act.verb in (DRINK, COOK, BUY) or act.object == "the newspaper"
)
# What keeps people from their work.
DISTRACTIONS = tuple(act for act in TOGETHER if act.verb in (PLAY, SWIM, RUN, SING, WATCH))
OUTDOORS = tuple(act for act in ACTIVITIES if set(OUTSIDE) & set(act.places))

PORTABLE = SHIRTS + DRESSES + HATS + BAGS + DEVICES
PRICES = (CHEAP, EXPENSIVE)
FROM_LIBRARY = Phrase("from the library", "从图书馆")
DEEDS = (
    Deed(BUY, "买", BOOKS, (BOOKSHOP, NOTHING), ONCE, never=(OLD,)),
    Deed(BUY, "买", PORTABLE, (SHOP, NOTHING), ONCE, never=(OLD,)),
    Deed(BUY, "买", FURNITURE + TABLES, (NOTHING,), ONCE, never=(OLD,)),
    Deed(BUY, "买", CARS, (NOTHING,), ONCE, most=1, never=(OLD,)),
    Deed(BUY, "买", FRUIT + FISH, (MARKET, SUPERMARKET), RECENTLY),
    Deed(READ, "看", (*BOOKS, *LETTERS), (LIBRARY, HOME, TRAIN), RECENTLY, most=1, never=PRICES),
    Deed(WRITE, "写", LETTERS, (OFFICE, LIBRARY, HOME), RECENTLY, most=4),
    Deed(SEE, "看", FILMS, (CINEMA, NOTHING), ONCE, most=1, was=True),
    Deed(SEE, "看见", PETS, (PARK, GARDEN, RIVERBANK), DAYTIME, was=True),
    Deed(EAT, "吃", FRUIT, (HOME, KITCHEN), RECENTLY, most=3, never=(BIG,), was=True),
    Deed(EAT, "吃", DISHES, (HOME, RESTAURANT), RECENTLY, most=2, was=True),
    Deed(DRINK, "喝", DRINKS, (COFFEE_SHOP, HOME), RECENTLY, most=3, was=True),
    Deed(MAKE, "做", CAKES, (KITCHEN, HOME), RECENTLY, most=3, was=True),
    Deed(DRAW, "画", PETS + 2 * FLOWERS, (GARDEN, HOME), DAYTIME, never=(BIG, SMALL)),
    Deed(TAKE, "拍", PHOTOS, (PARK, BEACH, MUSEUM), DAYTIME),
    Deed(LOSE, "丢", BAGS + KEYS, (STATION, BUS, BEACH), ONCE, most=2, was=True),
    Deed(FIND, "找到", BAGS + KEYS, (STATION, CLASSROOM, PARK), DAYTIME, most=2, never=PRICES),
    Deed(RECEIVE, "收到", LETTERS + 2 * GIFTS, (NOTHING,), ONCE),
    Deed(SELL, "卖", CARS + HOUSES, (NOTHING,), ONCE, most=1, never=(NEW, CHEAP), was=True),
    Deed(REPAIR, "修", CARS[1:] + DEVICES, (NOTHING,), RECENTLY, most=2, never=PRICES),
    Deed(BORROW, "借", BOOKS, (FROM_LIBRARY,), ONCE, most=4, never=PRICES),
    Deed(PLANT, "种", TREES, (GARDEN,), DAYTIME + ONCE[8:], never=(BIG,)),
)
