"""People, and the pronouns that refer to them."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.lexicon.kinds import Person, Pronoun

I = Pronoun("I", "我", "me", "my", "am", "was", "have", "do")  # noqa: E741
YOU = Pronoun("you", "你", "you", "your", "are", "were", "have", "do")
HE = Pronoun("he", "他", "him", "his", "is", "was", "has", "does")
SHE = Pronoun("she", "她", "her", "her", "is", "was", "has", "does")
WE = Pronoun("we", "我们", "us", "our", "are", "were", "have", "do")
THEY = Pronoun("they", "他们", "them", "their", "are", "were", "have", "do")

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
# Chinese has different words for old people and old things: 老人, but 旧书.
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

# People who may have homework.
PUPILS = PRONOUNS + NAMES + YOUNG
SIBLINGS = tuple(who for who in FAMILY if who.en.endswith(("brother", "sister")))
