"""Draw the diagrams of docs/notes.md:    python docs/diagrams/draw.py

Each diagram names the tensors of the code with their shapes, and the symbols of the notes.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from svg import FAINT, MARKED, Box, Drawing

FOLDER = Path(__file__).resolve().parent


def encoder() -> Drawing:
    """S1 and S2: the encoder and the two forms of the context."""
    page = Drawing(870, 430, "S1 and S2: an encoder reads a sentence; its states are the context")
    page.note(214, 33, "S2", size=16)
    page.math(350, 34, "c = [h_1, h_2, …, h_T]")
    page.code(340, 56, "encoded.outputs  (batch, source_length, output_size)", anchor="middle")
    page.arrow((85, 80), (85, 70), (595, 70), (595, 80), head=False)

    page.math(12, 206, "h_0 = 0", anchor="start", size=16)
    before = (68, 200)
    for x, word, i in zip(range(120, 480, 110), ("12", "7", "95", "3"), "123T", strict=True):
        source = page.box(x, 350, word, "word")
        embedding = page.box(x, 276, f"x_{i}", "word")
        rnn = page.box(x, 200, "RNN", "encoder", width=62)
        state = page.box(x, 112, f"h_{i}", "encoder")
        page.code(x, 402, "True", anchor="middle")
        page.arrow(before, rnn.left())
        page.arrow(source.top(), embedding.bottom())
        page.arrow(embedding.top(), rnn.bottom())
        page.arrow(rnn.top(), state.bottom())
        before = rnn.right()
    page.box(560, 350, "0", "word", dashed=True)
    page.box(560, 112, "0", "encoder", dashed=True)
    page.code(560, 402, "False", anchor="middle")

    context = page.box(668, 200, "c", "context")
    page.arrow(before, context.left())
    page.note(706, 185, "S1", size=16)
    page.math(742, 186, "c = h_T", anchor="start")
    page.code(706, 208, "encoded.context")
    page.code(706, 226, "(batch, output_size)")
    page.code(640, 280, "(batch, embedding_size)")
    page.code(640, 346, "source")
    page.code(640, 364, "(batch, source_length)")
    page.code(640, 402, "encoded.mask")
    return page


def feeding() -> Drawing:
    """S3 and S4: what a decoder without attention is fed."""
    page = Drawing(870, 744, "S3 and S4: the feeding schemes of a decoder without attention")
    _fed_steps(
        page, 0, "S3", "initial_state", "s_j = RNN(s_{j-1}, y_{j-1})", word=True, context=False
    )
    _fed_steps(page, 220, "S4", "context", "s_j = RNN(s_{j-1}, c)", word=False, context=True)
    _fed_steps(
        page,
        440,
        "S4",
        "context_and_previous",
        "s_j = RNN(s_{j-1}, [y_{j-1} ; c])",
        word=True,
        context=True,
    )
    y = 700
    for x, symbol, shape in (
        (24, "c", "(batch, output_size)"),
        (228, "s_j", "(batch, units)"),
        (386, "y_j", "(batch, embedding_size)"),
    ):
        page.math(x, y, symbol, anchor="start", size=16)
        page.code(x + 22, y, shape, size=12)
    page.code(24, y + 24, "logits (batch, target_length, vocabulary_size)", size=12)
    return page


def _fed_steps(page, top, label, feeding, equation, *, word, context):
    """Draw three steps of a decoder."""
    page.note(24, top + 34, label, size=16)
    page.code(58, top + 34, f'feeding="{feeding}"', size=14)
    page.math(846, top + 34, equation, anchor="end", size=17)
    y = top + 130
    fixed = page.box(50, y, "c", "context")
    start = page.box(210, y, "s_0", "decoder")
    page.arrow(fixed.right(), start.left())
    page.code(130, y - 10, "Bridge", anchor="middle", size=12)
    before, written = start, None
    if context:
        bus = y + 88
        page.arrow(fixed.bottom(), (50, bus), (734, bus), head=False)
    for j, x in enumerate((370, 540, 710), start=1):
        state = page.box(x, y, f"s_{j}", "decoder", width=76)
        page.arrow(before.right(), state.left())
        page.math(x, y - 52, f"P(word {j})", size=15)
        page.arrow(state.top(), (x, y - 46))
        if word:
            previous = page.box(x - 18 if context else x, y + 56, f"y_{j - 1}", "word", height=32)
            page.arrow(previous.top(), (previous.x, y + 18))
            if written:
                turn = x - 84
                page.arrow(
                    (written + 46, y - 57),
                    (turn, y - 57),
                    (turn, y + 56),
                    previous.left(),
                    color=FAINT,
                    dashed=True,
                )
            else:
                page.code(previous.x - 34, y + 61, "<sos>", anchor="end", size=12)
        if context:
            page.arrow((x + 24, bus), (x + 24, y + 18))
        before, written = state, x
    page.arrow(before.right(), (790, y))


def attention() -> Drawing:
    """S5: one attention step."""
    page = Drawing(870, 480, "S5: one attention step")
    columns, weights = (190, 300, 410, 520), (0.05, 0.75, 0.15, 0.05)
    total = page.box(355, 60, "c_j = Σ_i α_{ij} h_i", "context", width=430, height=42)
    softmax = page.box(355, 232, "softmax over i", width=430)
    memories = page.box(355, 434, width=430, height=56)
    query = page.box(56, 364, "s_j", "decoder")
    page.arrow(query.right(), (columns[-1] + 24, 364), head=False)
    page.arrow(memories.right(), (606, 434), (606, 60), total.right())
    for x, weight, i in zip(columns, weights, "123T", strict=True):
        memory = page.box(x, 434, f"h_{i}", "encoder")
        score = page.box(x, 306, f"e(h_{i}, s_j)", width=96, size=15)
        page.arrow(memory.top(-18), score.bottom(-18))
        page.arrow((x + 24, 364), score.bottom(24))
        page.arrow(score.top(), (x, softmax.bottom()[1]))
        page.arrow(softmax.top(x - softmax.x), (x, 196))
        height = 56 * weight
        bar = page.box(x, 194 - height / 2, kind="context", width=30, height=height)
        page.arrow(bar.top(), (x, total.bottom()[1]))
        page.math(x + 20, 176, f"α_{{{i}j}}", anchor="start", size=15)
    page.code(56, 402, "query", anchor="middle")
    page.code(56, 420, "(batch, units)", anchor="middle", size=12)
    for y, name, shape in (
        (60, "context", "(batch, output_size)"),
        (172, "weights", "(batch, source_length)"),
        (232, "mask", "(batch, source_length)"),
        (306, "score(query, keys)", "(batch, source_length)"),
        (434, "memory", "(batch, source_length, output_size)"),
    ):
        page.code(622, y - 3, name)
        page.code(622, y + 14, shape, size=11)
    return page


def bidirectional() -> Drawing:
    """S8: a bidirectional encoder."""
    page = Drawing(870, 380, "S8: a bidirectional encoder")
    columns = range(140, 560, 130)
    forward_y, backward_y = 226, 146
    forward = [page.box(x - 28, forward_y, "RNN", _last(x, 530), width=54) for x in columns]
    backward = [page.box(x + 28, backward_y, "RNN", _last(x, 140), width=54) for x in columns]
    for x, ahead, back, i in zip(columns, forward, backward, "123T", strict=True):
        embedding = page.box(x, 318, f"x_{i}", "word", width=84)
        page.arrow(embedding.top(-28), ahead.bottom())
        page.arrow(embedding.top(28), back.bottom())
        for half, dx, kind, to_the_right in (
            (ahead, -28, _last(x, 530), True),
            (back, 28, _last(x, 140), False),
        ):
            part = page.box(x + dx, 62, f"h_{i}", kind, width=56, height=44)
            page.over(part, to_the_right)
            page.arrow(half.top(), part.bottom())
    page.arrow((40, forward_y), forward[0].left())
    page.arrow((628, backward_y), backward[-1].right())
    for left, right in pairwise(forward):
        page.arrow(left.right(), right.left())
    for left, right in pairwise(backward):
        page.arrow(right.left(), left.right())
    page.math(36, forward_y + 6, "0", anchor="end", size=16)
    page.math(634, backward_y + 6, "0", anchor="start", size=16)
    page.code(622, 58, "encoded.outputs")
    page.code(622, 75, "(batch, source_length, 2 * units)", size=12)
    page.math(678, 200, "c = [", anchor="end")
    for x, i, to_the_right in ((706, "T", True), (774, "1", False)):
        page.over(page.box(x, 194, f"h_{i}", "context", width=48, height=44), to_the_right)
    page.math(740, 200, ";")
    page.math(804, 200, "]", anchor="start")
    page.code(622, 240, "encoded.context")
    page.code(622, 257, "(batch, 2 * units)", size=12)
    page.code(622, 323, "(batch, embedding_size)", size=12)
    return page


def _last(x: int, last: int) -> str:
    """Return the kind of a box, which has another color where its direction ends."""
    return "context" if x == last else "encoder"


def timing() -> Drawing:
    """S8: when the context is computed, and where it goes."""
    page = Drawing(870, 620, "S8: attention after and before the recurrence")
    page.code(24, 34, 'AskAfter   query="current_state"', size=14)
    page.code(24, 324, 'AskBefore  query="previous_state"', size=14)
    page.note(846, 34, "figure 9-8; Luong et al. 2015", anchor="end", size=14)
    page.note(846, 324, "Bahdanau et al. 2015", anchor="end", size=14)
    _ask_after(page, 150)
    _ask_before(page, 440)
    y = 600
    for x, symbol, shape in (
        (24, "y_j", "(batch, embedding_size)"),
        (226, "s_j", "(batch, units)"),
        (362, "c_j", "(batch, output_size)"),
        (540, "a_j", "(batch, readout_units)"),
    ):
        page.math(x, y, symbol, anchor="start", size=16)
        page.code(x + 22, y, shape, size=12)
    page.math(740, y, "h_i", anchor="start", size=16)
    page.code(762, y, "memory", size=12)
    return page


STEP = 384  # pixels from a box to the same box of the next step


def _ask_after(page: Drawing, y: int) -> None:
    """Draw the order state, context, readout: the book's figure 9-8, and Luong et al."""
    previous: Box | None = None
    page.math(14, y + 6, "a_{j-1}", anchor="start", size=16)
    page.math(14, y + 86, "s_{j-1}", anchor="start", size=16)
    before = (50, y)
    for x, j, last in ((130, "j", "{j-1}"), (130 + STEP, "{j+1}", "j")):
        s = _input(page, x, y, f"s_{j}", "decoder", f"y_{last}")
        c = _input(page, x + 120, y, f"c_{j}", "context", "h_1 … h_T", "encoder")
        a = _readout(page, x + 240, y, j)
        page.arrow(before, s.left(), color=MARKED, width=2.5)
        page.arrow(s.right(), c.left(), color=MARKED, width=2.5)
        page.arrow(c.right(), a.left())
        page.arrow(s.bottom(12), (x + 12, y + 52), (a.x, y + 52), a.bottom())
        start = (50, y + 80) if previous is None else (previous.x - 6, y + 80)
        if previous is not None:
            page.arrow(previous.bottom(-6), start, head=False)
        page.arrow(start, (x - 20, y + 80), s.bottom(-20))
        before, previous = a.right(), s
    page.arrow(before, (856, y), color=MARKED, width=2.5)
    page.arrow(previous.bottom(-6), (previous.x - 6, y + 80), (856, y + 80))
    _between(page, y)


def _ask_before(page: Drawing, y: int) -> None:
    """Draw the order context, state, readout: Bahdanau et al."""
    trunk = y + 80
    page.math(14, trunk + 6, "s_{j-1}", anchor="start", size=16)
    before = (50, trunk)
    for x, j, last in ((130, "j", "{j-1}"), (130 + STEP, "{j+1}", "j")):
        c = _input(page, x, y, f"c_{j}", "context", "h_1 … h_T", "encoder")
        s = _input(page, x + 120, y, f"s_{j}", "decoder", f"y_{last}")
        a = _readout(page, x + 240, y, j)
        page.arrow(before, (x - 14, trunk), c.bottom(-14), color=MARKED, width=2.5)
        page.arrow((x - 14, trunk), (s.x - 16, trunk), s.bottom(-16))
        page.arrow(c.right(), s.left(), color=MARKED, width=2.5)
        page.arrow(s.right(), a.left())
        page.arrow(c.bottom(14), (x + 14, y + 52), (a.x, y + 52), a.bottom())
        before = (s.x + 8, trunk)
        page.arrow(s.bottom(8), before, head=False, color=MARKED, width=2.5)
    page.arrow(before, (856, trunk), color=MARKED, width=2.5)
    _between(page, y)


def _input(page, x, y, label, kind, source, source_kind="word") -> Box:
    """Draw a tensor of a step and, above it, what it is computed from besides."""
    box = page.box(x, y, label, kind, width=64)
    above = page.box(x, y - 72, source, source_kind, width=84, height=32, size=16)
    page.arrow(above.bottom(), box.top())
    return box


def _readout(page, x, y, j) -> Box:
    box = page.box(x, y, f"a_{j}", width=64)
    page.arrow(box.top(), (x, y - 58))
    page.math(x, y - 66, f"P(word {j.strip('{}')})", size=15)
    return box


def _between(page, y) -> None:
    """Draw the line between two steps."""
    x = 130 + 240 + (STEP - 240) / 2
    page.arrow((x, y - 96), (x, y + 104), color=FAINT, dashed=True, head=False)


DIAGRAMS = (encoder, feeding, attention, bidirectional, timing)


def files() -> dict[Path, str]:
    """Return the diagrams: the content of each file."""
    return {FOLDER / f"{diagram.__name__}.svg": diagram().svg() for diagram in DIAGRAMS}


if __name__ == "__main__":
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
        print(path)
