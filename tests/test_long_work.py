import json

import pytest

import tf_seq2seq as s2s
from tf_seq2seq import translate_in_parts

LINES = ["ccc", "a", "bb", "dddd", "e"]


class Teacher:
    """Translate into capitals, and remember what was asked."""

    def __init__(self, calls=99):
        self.asked, self.calls = [], calls

    def __call__(self, lines):
        if len(self.asked) == self.calls:
            raise KeyboardInterrupt
        self.asked.append(lines)
        return [s2s.Translation(line.upper(), 0.0) for line in lines]


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    options = {"lines_in_part": 2, "settings": {"beam_width": 5}}
    first, second = Teacher(calls=2), Teacher()
    with pytest.raises(KeyboardInterrupt):
        translate_in_parts(first, LINES, tmp_path, **options)
    assert first.asked == [["a", "e"], ["bb", "ccc"]]  # sorted by length
    said = []
    found = translate_in_parts(second, LINES, tmp_path, resume=True, report=said.append, **options)
    assert found == ["CCC", "A", "BB", "DDDD", "E"]
    assert second.asked == [["dddd"]]
    assert said == ["Part 3 of 3"]
    # Nothing is left to do.
    assert translate_in_parts(Teacher(0), LINES, tmp_path, resume=True, **options) == found


def test_without_resume_everything_is_translated_again(tmp_path):
    translate_in_parts(Teacher(), [*LINES, *LINES], tmp_path, lines_in_part=2)
    again = Teacher()
    translate_in_parts(again, LINES, tmp_path, lines_in_part=3, settings={"beam_width": 2})
    assert len(again.asked) == 2
    assert len(list(tmp_path.glob("part_*.json"))) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lines": LINES[:-1]}, "with other lines"),
        ({"settings": {"beam_width": 6}}, "with beam_width=5, but `beam_width` is 6 now"),
        ({"lines_in_part": 3}, "with lines_in_part=2, but `lines_in_part` is 3 now"),
        ({"settings": {"beam_width": 5, "epochs": 3}}, "with other epochs"),
    ],
)
def test_parts_of_other_work_are_refused(change, message, tmp_path):
    given = {"lines": LINES, "lines_in_part": 2, "settings": {"beam_width": 5}}
    translate_in_parts(Teacher(), directory=tmp_path, **given)
    with pytest.raises(s2s.InputError, match=f"{message}.*translate again without `resume`"):
        translate_in_parts(Teacher(0), directory=tmp_path, resume=True, **given | change)


@pytest.mark.parametrize("content", ["[", '["A"]', "{}"])
def test_a_damaged_part(content, tmp_path):
    translate_in_parts(Teacher(), LINES, tmp_path)
    part = tmp_path / "part_00001.json"
    assert len(json.loads(part.read_text())) == len(LINES)
    part.write_text(content)
    with pytest.raises(s2s.InputError, match=r"part_00001\.json cannot be used"):
        translate_in_parts(Teacher(0), LINES, tmp_path, resume=True)


def test_parts_of_unknown_lines_are_refused(tmp_path):
    translate_in_parts(Teacher(), LINES, tmp_path)
    (tmp_path / "settings.json").unlink()
    with pytest.raises(s2s.InputError, match=r"no settings\.json that says of what"):
        translate_in_parts(Teacher(0), LINES, tmp_path, resume=True)


def test_lines_without_a_translation_are_not_kept(tmp_path):
    with pytest.raises(s2s.InputError, match="returned 4 translations of 5 lines"):
        translate_in_parts(lambda lines: Teacher()(lines[1:]), LINES, tmp_path)
    assert not list(tmp_path.glob("part_*.json"))


def test_arguments_that_are_refused(tmp_path):
    with pytest.raises(TypeError, match="`lines`"):
        translate_in_parts(Teacher(), "abc", tmp_path)
    with pytest.raises(s2s.InputError, match="`lines_in_part` must be"):
        translate_in_parts(Teacher(), LINES, tmp_path, lines_in_part=0)
    with pytest.raises(s2s.InputError, match="`settings` must be JSON"):
        translate_in_parts(Teacher(), LINES, tmp_path, settings={"model": object()})
