"""Verbs, and the actions that consist of a verb, an object and places for it."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.lexicon.kinds import Action, Handling, Verb, phrasal, verb
from tf_seq2seq.data.synthetic.lexicon.places import (
    BEACH,
    BOOKSHOP,
    BUS,
    CINEMA,
    CLASSROOM,
    COFFEE_SHOP,
    GARDEN,
    HOME,
    KITCHEN,
    LIBRARY,
    LIVING_ROOM,
    MARKET,
    OFFICE,
    OUTSIDE,
    PARK,
    POOL,
    RESTAURANT,
    RIVER,
    RIVERBANK,
    STATION,
    SUPERMARKET,
    TRAIN,
)
from tf_seq2seq.data.synthetic.lexicon.things import (
    BAGS,
    BOOKS,
    CAKES,
    CARS,
    CUPS,
    DEVICES,
    FRUIT,
    FURNITURE,
    HOUSES,
    KEYS,
    LAMPS,
    SHIRTS,
    UMBRELLAS,
    WINDOWS,
)

# --- Verbs ----------------------------------------------------------------------------------------

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
GIVE = verb("give", "gave", "given")
SEND = verb("send", "sent")
LEND = verb("lend", "lent")
GO = Verb("go", "goes", "went", "gone", "going")
COOK, LIKE, WANT, KNOW = map(verb, ("cook", "like", "want", "know"))
CLEAN, WASH, REPAIR, BORROW, RECEIVE, PLANT = (
    verb(base) for base in ("clean", "wash", "repair", "borrow", "receive", "plant")
)
LISTEN, WATCH, VISIT, DANCE, WAIT, NEED = (
    verb(base) for base in ("listen", "watch", "visit", "dance", "wait", "need")
)
LEAVE = verb("leave", "left")
SPEAK = verb("speak", "spoke", "spoken")
COME = verb("come", "came", "come")
BREAK = verb("break", "broke", "broken")
OPEN, TURN = verb("open"), verb("turn")
# --- Activities -----------------------------------------------------------------------------------

# Verbs without an object in English. They are listed twice below, because their forms would be rare
# otherwise.
BARE = (
    Action(SWIM, "", "游", "泳", (RIVER, POOL)),
    Action(RUN, "", "跑", "步", (PARK, BEACH)),
    Action(SING, "", "唱", "歌", (PARK, LIVING_ROOM)),
    Action(DANCE, "", "跳", "舞", (PARK, LIVING_ROOM)),
    Action(verb("fish"), "", "钓", "鱼", (RIVERBANK,)),
)
# The object decides how "play" is translated: 踢足球, 打网球, 弹钢琴, 拉小提琴, 下棋.
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
LEISURE = (
    *TOGETHER,
    Action(PLAY, "the piano", "弹", "钢琴", (HOME, LIVING_ROOM)),
    Action(PLAY, "the guitar", "弹", "吉他", (PARK, HOME, BEACH)),
    Action(PLAY, "the violin", "拉", "小提琴", (LIVING_ROOM, HOME)),
    Action(READ, "books", "看", "书", (LIBRARY, HOME, TRAIN, GARDEN, BOOKSHOP, RIVERBANK)),
    Action(READ, "the newspaper", "看", "报纸", (LIBRARY, HOME, COFFEE_SHOP, TRAIN)),
    Action(LISTEN, "to music", "听", "音乐", (HOME, BUS, TRAIN, LIVING_ROOM)),
    Action(WRITE, "letters", "写", "信", (HOME, LIBRARY)),
    Action(DRAW, "pictures", "画", "画", (CLASSROOM, GARDEN, RIVERBANK)),
)
STUDY_LANGUAGES = (
    Action(STUDY, "Chinese", "学", "中文", (LIBRARY, HOME, CLASSROOM)),
    Action(STUDY, "English", "学", "英语", (LIBRARY, HOME, CLASSROOM)),
)
STUDIES = (*STUDY_LANGUAGES, Action(STUDY, "history", "学", "历史", (LIBRARY, CLASSROOM)))
ACTIVITIES = LEISURE + STUDIES

COOK_DINNER = Action(COOK, "dinner", "做", "晚饭", (KITCHEN, HOME))
HAVE_BREAKFAST = Action(HAVE, "breakfast", "吃", "早饭", (KITCHEN, HOME))
HOUSEWORK = (
    COOK_DINNER,
    Action(WASH, "clothes", "洗", "衣服", (HOME,)),
    Action(CLEAN, "the room", "打扫", "房间"),
)
BUY_VEGETABLES = Action(BUY, "vegetables", "买", "菜", (MARKET, SUPERMARKET))
CHORES = (
    COOK_DINNER,
    HAVE_BREAKFAST,
    Action(HAVE, "lunch", "吃", "午饭", (RESTAURANT, HOME)),
    *HOUSEWORK[1:],
    Action(WAIT, "for the bus", "等", "公共汽车", (STATION,)),
    BUY_VEGETABLES,
)
DUTIES = (*HOUSEWORK, BUY_VEGETABLES, *STUDIES)
GOING = (
    Action(VISIT, "the museum", "参观", "博物馆"),
    Action(VISIT, "Beijing", "游览", "北京"),
    Action(VISIT, "Paris", "游览", "巴黎"),
    Action(TAKE, "the train to Shanghai", "坐", "火车去上海"),
    Action(TAKE, "the train to Beijing", "坐", "火车去北京"),
)

# Activities that are not for old people, and those that are not for children.
STRENUOUS = tuple(
    act for act in ACTIVITIES if act.object in ("football", "basketball") or act.verb is RUN
)
GROWN_UP = tuple(
    act
    for act in ACTIVITIES + CHORES
    if act.verb in (DRINK, COOK, BUY) or act.object == "the newspaper"
)
# Activities that keep people from their work.
DISTRACTIONS = tuple(act for act in TOGETHER if act.verb in (PLAY, SWIM, RUN, SING, WATCH))
OUTDOORS = tuple(act for act in ACTIVITIES if set(OUTSIDE) & set(act.places))

GET_UP = Action(verb("get", "got", ing="getting"), "up", "起", "床")
LEAVE_HOME = Action(LEAVE, "home", "出", "门")
MORNING_ACTS = (HAVE_BREAKFAST, *[GET_UP] * 3, LEAVE_HOME)
BEDTIME = (Action(GO, "to bed", "睡", "觉"),)
EVENING_ACTS = (COOK_DINNER, Action(HAVE, "dinner", "吃", "晚饭"), Action(COME, "home", "回", "家"))
# --- Verbs with a result --------------------------------------------------------------------------

# Things that shatter are 打破; things that stop working are 弄坏.
MISHAPS = (
    Handling(BREAK, "打破", CUPS + WINDOWS),
    Handling(BREAK, "弄坏", DEVICES + UMBRELLAS + FURNITURE[:1]),
    Handling(EAT, "吃掉", CAKES + FRUIT),
)
CARE = (
    Handling(REPAIR, "修好", CARS + DEVICES),
    Handling(WASH, "洗干净", SHIRTS + CARS + CUPS),
    Handling(OPEN, "打开", WINDOWS),
    Handling(phrasal(TURN, "off"), "关掉", LAMPS),
    Handling(phrasal(TURN, "on"), "打开", LAMPS),
)
HANDLINGS = (
    *MISHAPS,
    *CARE,
    Handling(LOSE, "弄丢", KEYS + BAGS + BOOKS),
    Handling(SELL, "卖掉", CARS + HOUSES),
)
