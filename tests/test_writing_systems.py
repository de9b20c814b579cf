import pytest

from tf_seq2seq.writing_systems import script, writing_system

SENTENCES = {
    "Chinese": "我昨天买的书很有意思。",
    "Japanese": "昨日買った本はとても面白い。",
    "Korean": "어제 산 책은 매우 재미있다.",
    "Thai": "หนังสือที่ฉันซื้อเมื่อวานน่าสนใจมาก",
    "Lao": "ຂ້ອຍອ່ານປຶ້ມ",
    "Khmer": "ខ្ញុំអានសៀវភៅ",
    "Myanmar": "ကျွန်တော်စာအုပ်ဖတ်တယ်",
    "Tibetan": "ངས་དེབ་ཀློག་གི་ཡོད།",
    "Devanagari": "मैंने कल जो किताब खरीदी।",
    "Cyrillic": "Книга очень интересная.",
    "Latin": "Le livre que j'ai acheté hier.",
}


@pytest.mark.parametrize("system", SENTENCES)
def test_sentences(system):
    assert writing_system(iter([SENTENCES[system], "", "2026!"])) == system


@pytest.mark.parametrize(
    ("lines", "system"),
    [
        ([], "mixed"),
        (["...", "123"], "mixed"),
        (["一abcde"], "mixed"),  # half of the letters are not most of them
        (["一abcd"], "Chinese"),
        (["在TensorFlow中使用Keras训练模型"], "Chinese"),
        (["The character 书 means book."], "Latin"),
        (["一丁三四五六七八九の"], "Chinese"),  # a tenth of kana
        (["一丁三四五六七八のの"], "Japanese"),
        (["ｶﾞｷﾞｸ"], "Japanese"),  # half-width
        (["カー々"], "Japanese"),
        (["Ａｂ"], "Latin"),  # full-width
    ],
)
def test_bounds(lines, system):
    assert writing_system(lines) == system


def test_a_letter_without_a_name():
    assert script("\ue000") == "Unknown"
