"""Things with their measure words and qualities, and groups of things."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.lexicon.kinds import phrases, quality, things

# --- Qualities ------------------------------------------------------------------------------------

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
# These may precede a noun. The others are predicates only: before a noun, Chinese needs 很…的.
ATTRIBUTES = (
    *(NEW, OLD, BIG, SMALL, CHEAP, EXPENSIVE, BEAUTIFUL, INTERESTING, USEFUL),
    *(LONG, SHORT, COMFORTABLE),
)
PRICES = (CHEAP, EXPENSIVE)
COMPARABLE = (
    *(OLD, EXPENSIVE, CHEAP, INTERESTING, USEFUL),
    *(BEAUTIFUL, HEAVY, COMFORTABLE, TASTY_FOOD, TASTY_DRINK),
)
FAULTS = (OLD, BIG, SMALL, EXPENSIVE, BORING, LONG, SHORT, HARD_SEAT, HARD_QUESTION, HEAVY)
PRAISE = (INTERESTING, USEFUL, BEAUTIFUL, CHEAP, COMFORTABLE, WARM, LIGHT)
COLORS = phrases(
    ("red", "红色"),
    ("blue", "蓝色"),
    ("light blue", "浅蓝色"),
    ("green", "绿色"),
    ("light green", "浅绿色"),
    ("black", "黑色"),
    ("white", "白色"),
)

# --- Things ---------------------------------------------------------------------------------------

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
    colors=COLORS,
)
SHIRTS = things(
    ("shirt", "衬衫", "件"),
    ("coat", "外套", "件"),
    ("sweater", "毛衣", "件"),
    qualities=(NEW, OLD, BEAUTIFUL, EXPENSIVE, CHEAP, COMFORTABLE, BIG, SMALL),
    colors=COLORS,
)
HATS = things(
    ("hat", "帽子", "顶"),
    ("scarf", "围巾", "条", "scarves"),
    qualities=(NEW, OLD, BEAUTIFUL, EXPENSIVE, CHEAP, WARM),
    colors=COLORS,
)
HANDBAGS = things(
    ("bag", "包", "个"), qualities=(NEW, OLD, BIG, SMALL, HEAVY, LIGHT, CHEAP, EXPENSIVE)
)
UMBRELLAS = things(
    ("umbrella", "雨伞", "把"),
    qualities=(NEW, OLD, BIG, SMALL, HEAVY, LIGHT, CHEAP, EXPENSIVE),
    colors=COLORS,
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
    colors=COLORS,
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
CUPS = things(("cup", "杯子", "个"), qualities=(NEW, OLD, BEAUTIFUL, BIG, SMALL), colors=COLORS)
STUDENTS = things(("student", "学生", "个"))
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
WINDOWS = things(("window", "窗户", "扇"))
LAMPS = things(("light", "灯", "盏"), ("television", "电视", "台"))

# --- Groups ---------------------------------------------------------------------------------------

PORTABLE = SHIRTS + DRESSES + HATS + BAGS + DEVICES
GOODS = BOOKS + FILMS + SHIRTS + DRESSES + HATS + BAGS + DEVICES + CARS

# These are names, because `excluding` makes copies of things.
BULKY = [thing.en for thing in CARS + HOUSES + DEVICES + FURNITURE + TABLES + BAGS]
# Used only in the singular: "the bowls of rice that I ate" would be odd.
ALWAYS_SINGULAR = [*BULKY, *(thing.en for thing in DISHES + DRINKS)]
PLENTIFUL = [thing.en for thing in FISH + FLOWERS + STUDENTS + TREES + PETS]
