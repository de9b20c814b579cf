"""Places: where people do things, where things are, cities and their languages."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.lexicon.kinds import Phrase, phrases

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
# The bank of a river is 河边; a bank with money is 银行.
RIVERBANK = Phrase("on the bank of the river", "在河边")

OUTSIDE = (PARK, BEACH, GARDEN, RIVERBANK, RIVER)
PUBLIC = {*OUTSIDE, LIBRARY, CLASSROOM, BOOKSHOP, TRAIN, BUS, POOL}

FROM_LIBRARY = Phrase("from the library", "从图书馆")
SPOTS = phrases(
    ("on the table", "桌子上"),
    ("on the bed", "床上"),
    ("on the chair", "椅子上"),
    ("under the bed", "床下面"),
    ("in the box", "箱子里"),
    ("in the bag", "包里"),
)
CITIES = phrases(
    ("Beijing", "北京"),
    ("Shanghai", "上海"),
    ("London", "伦敦"),
    ("Paris", "巴黎"),
    ("Japan", "日本"),
)
LANGUAGES = phrases(
    ("English", "英语"), ("Chinese", "中文"), ("French", "法语"), ("Japanese", "日语")
)
NEAR = phrases(
    ("next to", "旁边"),
    ("in front of", "前面"),
    ("behind", "后面"),
    ("opposite", "对面"),
    ("near", "附近"),
)
