"""Times, durations and numbers."""

from __future__ import annotations

from tf_seq2seq.data.synthetic.lexicon.kinds import Phrase, phrases

# --- The past -------------------------------------------------------------------------------------

YESTERDAY = Phrase("yesterday", "昨天")
LAST_NIGHT = Phrase("last night", "昨晚")
TWO_DAYS_AGO = Phrase("two days ago", "两天前")
LAST_WEEKEND = phrases(("last Saturday", "上周六"), ("last Sunday", "上周日"))
YESTERDAY_OR_TODAY = (
    YESTERDAY,
    Phrase("yesterday morning", "昨天上午"),
    Phrase("yesterday afternoon", "昨天下午"),
    LAST_NIGHT,
    Phrase("this morning", "今天上午"),
)
RECENTLY = (*YESTERDAY_OR_TODAY, TWO_DAYS_AGO, *LAST_WEEKEND)
DAYTIME = tuple(time for time in RECENTLY if time is not LAST_NIGHT)
RECENT_DAYS = (YESTERDAY, TWO_DAYS_AGO, *LAST_WEEKEND)
LONGER_AGO = phrases(
    ("last week", "上周"),
    ("last month", "上个月"),
    ("last year", "去年"),
    ("three weeks ago", "三周前"),
    ("four months ago", "四个月前"),
    ("last Monday", "上周一"),
)
ONCE = RECENTLY + LONGER_AGO


# --- The future -----------------------------------------------------------------------------------

TOMORROW = Phrase("tomorrow", "明天")
TOMORROW_BY_DAY = phrases(("tomorrow morning", "明天上午"), ("tomorrow afternoon", "明天下午"))
TONIGHT = Phrase("tonight", "今晚")
NEXT_DAYS = phrases(
    ("this weekend", "这个周末"),
    ("next Saturday", "下周六"),
    ("next Sunday", "下周日"),
    ("next Monday", "下周一"),
)
SOON = (TOMORROW, *TOMORROW_BY_DAY, TONIGHT, *NEXT_DAYS)
NEXT_WEEK_OR_MONTH = phrases(("next week", "下周"), ("next month", "下个月"))
SOMEDAY = (
    TOMORROW,
    *NEXT_WEEK_OR_MONTH,
    *phrases(("next year", "明年"), ("next summer", "明年夏天")),
)


# --- Habits ---------------------------------------------------------------------------------------

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


# --- Hours and durations --------------------------------------------------------------------------

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
# Two to ten. Before a measure word two is 两, as it is before 点.
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
BRIEF_DURATIONS = tuple(time for time in DURATIONS if "three" not in time.en)


# --- Dates ----------------------------------------------------------------------------------------

MONTHS = phrases(("May", "五月"), ("June", "六月"))
DAYS = phrases(("first", "一号"), ("third", "三号"), ("tenth", "十号"))
