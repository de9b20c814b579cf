"""Where things are: existence (有) and location (在)."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.grammar import Choose, Clause, Family
from tf_seq2seq.data.synthetic.lexicon.kinds import Phrase, Thing, phrases
from tf_seq2seq.data.synthetic.lexicon.people import HE, PRONOUNS, SHE, I
from tf_seq2seq.data.synthetic.lexicon.places import NEAR, SPOTS
from tf_seq2seq.data.synthetic.lexicon.things import (
    BOOKS,
    BUILDINGS,
    CAKES,
    CARS,
    COMFORTABLE,
    CUPS,
    DEVICES,
    DRINKS,
    FISH,
    FLOWERS,
    FRUIT,
    FURNITURE,
    GIFTS,
    HATS,
    HOUSES,
    KEYS,
    LETTERS,
    PETS,
    PHOTOS,
    PRICES,
    SHIRTS,
    STUDENTS,
    TABLES,
    TREES,
    USEFUL,
)
from tf_seq2seq.data.synthetic.phrases import amount

family = Family()


@family.construction(weight=12)
def exists(choose: Choose) -> Clause:
    """Say what is in a place: 有 follows the place.

    There are three cats under the table. / 桌子下面有三只猫。
    """
    (place, place_zh), kinds = choose(SCENES)
    thing = choose(kinds)
    what = amount(choose, thing, never=(*PRICES, USEFUL, COMFORTABLE))
    is_ = "is" if what.en.split()[0] in ("a", "an") else "are"
    there_is = (f"there {is_} {what.en} {place}", f"{place_zh}有{what.zh}")
    building = choose(BUILDINGS)
    (spot, spot_zh), one = choose(LANDMARKS), f"一{building.measure}{building.zh}"
    # 很多茶 can mean many cups of tea or a lot of tea.
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


@family.construction(weight=5)
def located(choose: Choose) -> Clause:
    """Say where a building or a thing is: 在. This "bank" is 银行.

    The bank is next to the station. / 银行在车站旁边。
    """
    building, landmark = choose(BUILDINGS), choose(BUILDINGS)
    near, near_zh = choose(NEAR)
    if building is landmark:
        landmark = Thing("station", "stations", "车站", "个")
    spot, thing, many = choose(SPOTS), choose(HATS + DEVICES), choose(KEYS + BOOKS)
    who, owner = choose(PRONOUNS).pronoun, choose((I, HE, SHE))
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
