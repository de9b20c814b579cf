"""Deeds: verbs with the things they are done to, and the places and times for it."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.lexicon.actions import (
    BORROW,
    BUY,
    DRAW,
    DRINK,
    EAT,
    FIND,
    LOSE,
    MAKE,
    PLANT,
    READ,
    RECEIVE,
    REPAIR,
    SEE,
    SELL,
    TAKE,
    WRITE,
)
from tf_seq2seq.data.synthetic.lexicon.kinds import NOTHING, Deed, Verb
from tf_seq2seq.data.synthetic.lexicon.places import (
    BEACH,
    BOOKSHOP,
    BUS,
    CINEMA,
    CLASSROOM,
    COFFEE_SHOP,
    FROM_LIBRARY,
    GARDEN,
    HOME,
    KITCHEN,
    LIBRARY,
    MARKET,
    MUSEUM,
    OFFICE,
    PARK,
    RESTAURANT,
    RIVERBANK,
    SHOP,
    STATION,
    SUPERMARKET,
    TRAIN,
)
from tf_seq2seq.data.synthetic.lexicon.things import (
    BAGS,
    BIG,
    BOOKS,
    CAKES,
    CARS,
    CHEAP,
    DEVICES,
    DISHES,
    DRINKS,
    FILMS,
    FISH,
    FLOWERS,
    FRUIT,
    FURNITURE,
    GIFTS,
    HOUSES,
    KEYS,
    LETTERS,
    NEW,
    OLD,
    PETS,
    PHOTOS,
    PORTABLE,
    PRICES,
    SMALL,
    TABLES,
    TREES,
)
from tf_seq2seq.data.synthetic.lexicon.times import DAYTIME, LONGER_AGO, ONCE, RECENTLY

DEEDS = (
    Deed(BUY, "买", BOOKS, (BOOKSHOP, NOTHING), ONCE, never=(OLD,)),
    Deed(BUY, "买", PORTABLE, (SHOP, NOTHING), ONCE, never=(OLD,)),
    Deed(BUY, "买", FURNITURE + TABLES, (NOTHING,), ONCE, never=(OLD,)),
    Deed(BUY, "买", CARS, (NOTHING,), ONCE, most=1, never=(OLD,)),
    Deed(BUY, "买", FRUIT + FISH, (MARKET, SUPERMARKET), RECENTLY),
    Deed(READ, "看", (*BOOKS, *LETTERS), (LIBRARY, HOME, TRAIN), RECENTLY, most=1, never=PRICES),
    Deed(WRITE, "写", LETTERS, (OFFICE, LIBRARY, HOME), RECENTLY, most=4),
    Deed(SEE, "看", FILMS, (CINEMA, NOTHING), ONCE, most=1, gone=True),
    Deed(SEE, "看见", PETS, (PARK, GARDEN, RIVERBANK), DAYTIME, gone=True),
    Deed(EAT, "吃", FRUIT, (HOME, KITCHEN), RECENTLY, most=3, never=(BIG,), gone=True),
    Deed(EAT, "吃", DISHES, (HOME, RESTAURANT), RECENTLY, most=2, gone=True),
    Deed(DRINK, "喝", DRINKS, (COFFEE_SHOP, HOME), RECENTLY, most=3, gone=True),
    Deed(MAKE, "做", CAKES, (KITCHEN, HOME), RECENTLY, most=3, gone=True),
    Deed(DRAW, "画", PETS + 2 * FLOWERS, (GARDEN, HOME), DAYTIME, never=(BIG, SMALL)),
    Deed(TAKE, "拍", PHOTOS, (PARK, BEACH, MUSEUM), DAYTIME),
    Deed(LOSE, "丢", BAGS + KEYS, (STATION, BUS, BEACH), ONCE, most=2, gone=True),
    Deed(FIND, "找到", BAGS + KEYS, (STATION, CLASSROOM, PARK), DAYTIME, most=2, never=PRICES),
    Deed(RECEIVE, "收到", LETTERS + 2 * GIFTS, (NOTHING,), ONCE),
    Deed(SELL, "卖", CARS + HOUSES, (NOTHING,), ONCE, most=1, never=(NEW, CHEAP), gone=True),
    Deed(REPAIR, "修", CARS[1:] + DEVICES, (NOTHING,), RECENTLY, most=2, never=PRICES),
    Deed(BORROW, "借", BOOKS, (FROM_LIBRARY,), ONCE, most=4, never=PRICES),
    Deed(PLANT, "种", TREES, (GARDEN,), DAYTIME + LONGER_AGO, never=(BIG,)),
)


def deeds_of(*verbs: Verb) -> list[Deed]:
    """Select the deeds of the given verbs."""
    return [deed for deed in DEEDS if deed.verb in verbs]


# Deeds that people intend to do.
PLANNED = [
    *(deed for deed in deeds_of(BUY, SELL, SEE) if deed.times is ONCE),
    *deeds_of(BORROW, PLANT, MAKE),
]
# Deeds after which the things still exist and can be liked or lost.
LASTING = tuple(
    deed for deed in DEEDS if deed.verb in (BUY, BORROW) and deed.things[0] in (*PORTABLE, *BOOKS)
)
