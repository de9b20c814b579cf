"""Record the examples of the translation explorer, saved_models/demo:    make explorer

The committed model translates a few sentences with each setting of the search. The page shows the
results without a server: the translations with their scores and attention weights, and all steps
of each beam search. The file is a script that sets a variable, because a page that is opened from
a disk may not read other files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s
from tf_seq2seq import search
from tf_seq2seq.files import write_atomically
from tf_seq2seq.search import SearchOptions
from tf_seq2seq.text import EOS_ID

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "saved_models" / "en_zh" / "1"
RECORDED = ROOT / "saved_models" / "demo" / "recorded.js"
BEGINNING, END = "const RECORDED = ", ";\n"

# A source sentence, its reference translation, and a prefix for the last search. Where there is a
# reference, the sentence is from the test set. The model has never seen words such as "name".
EXAMPLES = [
    ("The book that I bought yesterday is very interesting.", "", "那本"),
    ("Who ate the cake this morning?", "今天上午是谁把蛋糕吃掉的？", "今天早上"),
    (
        "My father sent my colleague a magazine yesterday.",
        "我爸爸昨天给我的同事寄了一本杂志。",
        "我的爸爸",
    ),
    (
        "Because it was very cold this morning, Mary took a taxi.",
        "因为今天上午很冷，所以玛丽坐了出租车。",
        "今天上午",
    ),
    ("There are many novels in the bag.", "包里有很多小说。", "在包里"),
    ("Please repair the camera tomorrow morning.", "明天上午请把照相机修好。", "请你"),
    (
        "Peter is playing the guitar at home while her mother is cooking dinner at home.",
        "彼得正在家里弹吉他，而她妈妈正在家里做晚饭。",
        "虽然彼得",
    ),
    (
        "My neighbour likes to drink coffee in the coffee shop, but my older sister does not like "
        "to drink coffee.",
        "我的邻居喜欢在咖啡馆喝咖啡，但是我姐姐不喜欢喝咖啡。",
        "我的邻居不",
    ),
    (
        "Anna says that the doctor is buying vegetables at the market.",
        "安娜说那位医生正在市场买菜。",
        "安娜觉得",
    ),
    ("My older sister has not visited the museum yet.", "我姐姐还没参观过博物馆。", "我姐姐从来"),
    ("Beethoven bought a new book.", "", "贝多芬"),
    ("What is your name?", "", "你是"),
]
BEAM = {"beam_width": 5}
SEARCHES: list[dict[str, Any]] = [
    {"beam_width": 1},
    {"beam_width": 2},
    BEAM,
    {"beam_width": 10},
    BEAM | {"length_penalty": 0.0},
    BEAM | {"length_penalty": 2.0},
    BEAM | {"length_penalty": "average"},
    BEAM | {"coverage_penalty": 0.2},
    BEAM | {"coverage_penalty": 1.0},
    BEAM | {"no_repeat_ngram": 2},
    BEAM | {"prefix": True},
]
N_BEST = 5

# What became of a candidate.
CUT, FOLLOWED, ENDED = range(3)


class Step(NamedTuple):
    """What a step of a beam search sees of the `width` hypotheses of a sentence.

    Attributes:
        parents: int32 `(width,)`, the hypothesis of the previous step that each one extends.
        ids: int32 `(width,)`, their last ids.
        logits: float32 `(width, vocabulary_size)`, of the next ids.
    """

    parents: np.ndarray
    ids: np.ndarray
    logits: np.ndarray


def read_recorded() -> dict[str, Any]:
    """Return what the file of recorded examples contains."""
    return json.loads(RECORDED.read_text(encoding="utf-8")[len(BEGINNING) : -len(END)])


def load_committed() -> s2s.Translator:
    """Return a `Translator` with the weights of the committed model."""
    card = json.loads((MODEL / "assets.extra" / "model.json").read_text(encoding="utf-8"))
    model = keras.saving.deserialize_keras_object(card["model"])
    weights = tf.saved_model.load(str(MODEL)).weights
    for variable, value in zip(model.weights, weights, strict=True):
        variable.assign(value)
    train = s2s.data.synthetic_corpus(1).train
    tokenizers = s2s.text.tokenizer_for(train.source), s2s.text.tokenizer_for(train.target)
    for tokenizer, lines in zip(tokenizers, (train.source, train.target), strict=True):
        tokenizer.adapt(lines, max_size=6000)
    return s2s.Translator(model, *tokenizers)


def search_steps(
    translator: s2s.Translator, sentence: str, prefix: str, options: SearchOptions
) -> tuple[search.Hypotheses, list[Step]]:
    """Translate a sentence, and return what each step of the search saw.

    Without a `tf.function`, each step calls the step function in Python. The state that it returns
    is reordered with the hypotheses, so that it shows which one each hypothesis came from.
    """
    model, width = translator.model, options.beam_width
    ids = translator.source_tokenizer.encode([sentence]).to_tensor()
    state, memory = model.encode(tf.pad(ids, [[0, 0], [0, 1]], constant_values=EOS_ID))
    take_step = model.stepper(width)
    steps: list[Step] = []

    def step(ids, state, memory):
        state, parents = state
        logits, weights, state = take_step(ids, state, memory)
        steps.append(Step(parents.numpy(), ids.numpy(), logits.numpy()))
        return logits, weights, (state, tf.range(width))

    found = search.beam(
        step,
        (state, tf.zeros([1], tf.int32)),
        1,
        translator.max_target_length,
        width=width,
        n_best=options.n_best,
        length_penalty=options.length_penalty,
        coverage_penalty=options.coverage_penalty,
        source_mask=tf.fill([1, ids.shape[1] + 1], True),
        memory=memory,
        aligned=True,
        constraints=options.constraints,
        prefix=translator.target_tokenizer.encode([prefix]).to_tensor(),
    )
    return found, steps


def candidates(
    steps: list[Step], prefix: list[int], options: SearchOptions
) -> list[list[tuple[int, int, float, int]]]:
    """Return the most probable extensions of the hypotheses at each step, best first.

    Each is the number of the hypothesis that it extends, its id, its log probability, and what
    became of it: `ENDED`, `FOLLOWED` or `CUT`. The followed ones, in this order, are the hypotheses
    of the next step. As in the search, there are at most twice as many as hypotheses.
    """
    width, constraints = options.beam_width, options.constraints
    memories = constraints.begin(width, len(steps))
    log_p = np.where(np.arange(width) == 0, 0.0, -np.inf)
    found = []
    for t, step in enumerate(steps):
        if t > 0:
            # Early on, there are fewer hypotheses than rows.
            followed = [p for _, _, p, fate in found[-1] if fate == FOLLOWED]
            log_p = np.array(followed + [-np.inf] * (width - len(followed)))
            memories = tf.nest.map_structure(lambda x, of=step.parents: tf.gather(x, of), memories)
            memories = constraints.extend(memories, t - 1, step.ids)
        allowed = np.isfinite(constraints.apply(memories, t, step.logits).numpy())
        if t < len(prefix):
            allowed = np.arange(allowed.shape[1])[None] == prefix[t]
        total = log_p[:, None] + tf.nn.log_softmax(step.logits).numpy()
        total = np.where(allowed, total, -np.inf)
        best = np.argsort(-total, axis=None, kind="stable")[: 2 * width]
        row: list[tuple[int, int, float, int]] = []
        count = 0
        for rank, (parent, id) in enumerate(zip(*np.unravel_index(best, total.shape), strict=True)):
            if total[parent, id] == -np.inf:
                break
            fate = CUT
            if id == EOS_ID:
                fate = ENDED if rank < width else CUT
            elif count < width:
                fate, count = FOLLOWED, count + 1
            row.append((int(parent), int(id), float(total[parent, id]), fate))
        found.append(row)
    return found


def record(
    translator: s2s.Translator,
    example: tuple[str, str, str],
    searches: Sequence[dict[str, Any]] = SEARCHES,
) -> dict[str, Any]:
    """Return what the page shows of an example.

    What several searches have in common is stored once: `tokens`, rows of attention `weights`,
    `translations` and `trees` are lists, and other values are places in them. Log probabilities and
    scores are in hundredths of a nat, attention weights in thousandths.
    """
    sentence, reference, given = example
    (greedy,) = translator([sentence])
    tokens, weights, translations, trees = Numbered(), Numbered(), Numbered(), Numbered()
    results = []
    for settings in searches:
        prefix = given if settings.get("prefix") else ""
        options = options_of(settings)
        (best,) = translator.complete_n_best([sentence], [prefix], options=options)
        found, steps = search_steps(translator, sentence, prefix, options)
        log_p = found.log_probabilities[0, : len(best)]
        if not np.allclose(log_p, [each.score for each in best], atol=1e-3):
            raise SystemExit(f"Two searches found different translations of {sentence!r}.")
        ids = translator.target_tokenizer.encode([prefix])[0].numpy().tolist()
        begun = best[0].target_tokens[: len(ids)]  # as given, even what the model does not know
        tree = [
            [
                [
                    parent,
                    tokens.number(begun[t] if t < len(begun) else shown(translator, id)),
                    rounded(log_p, 100),
                    fate,
                ]
                for parent, id, log_p, fate in row
            ]
            for t, row in enumerate(candidates(steps, ids, options))
        ]
        numbers = [
            translations.number(
                {
                    "text": each.text,
                    "tokens": [tokens.number(token) for token in each.target_tokens],
                    "log_p": rounded(each.score, 100),
                    "weights": [weights.number(row) for row in rounded(each.alignment, 1000)],
                }
            )
            for each in best
        ]
        scores = rounded(found.scores[0, : len(best)], 100)
        results.append({"best": numbers, "scores": scores, "tree": trees.number(tree)})
    return {
        "text": sentence,
        "reference": reference,
        "prefix": given,
        "source": greedy.source_tokens,
        "tokens": tokens,
        "weights": weights,
        "translations": translations,
        "trees": trees,
        "results": results,
    }


class Numbered(list):
    """A list of different values."""

    def number(self, value: Any) -> int:
        """Return the place of a value in the list, to which it is added if it is new."""
        if value not in self:
            self.append(value)
        return self.index(value)


def options_of(settings: dict[str, Any]) -> SearchOptions:
    """Return the options of one of `SEARCHES`."""
    keywords = {name: value for name, value in settings.items() if name != "prefix"}
    return SearchOptions().replace(n_best=min(N_BEST, settings["beam_width"]), **keywords)


def shown(translator: s2s.Translator, id: int) -> str:
    """Return a target token as it is displayed."""
    tokenizer = translator.target_tokenizer
    return tokenizer.display(tokenizer.id_to_token(tf.constant(id)).numpy().decode())


def rounded(values: Any, unit: int) -> Any:
    """Return values in fractions of 1, as integers."""
    return np.rint(np.asarray(values) * unit).astype(int).tolist()


def facts() -> dict[str, Any]:
    """Return what the page says about the model."""
    card = json.loads((MODEL / "assets.extra" / "model.json").read_text(encoding="utf-8"))
    weights = MODEL / "variables" / "variables.data-00000-of-00001"
    return {
        "name": card["name"],
        "version": int(MODEL.name),
        "created": card["created"][:10],
        "metric": f"{card['metric']['name']} {card['metric']['value']:.2f}",
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }


def main() -> None:
    """Write the recorded examples."""
    tf.get_logger().setLevel("ERROR")  # it warns of many searches, each of which is traced
    translator = load_committed()
    examples = [record(translator, example) for example in EXAMPLES]
    # A line for each example, so that a change shows which ones it concerns.
    lines = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in examples]
    head = json.dumps({"model": facts(), "searches": SEARCHES})[:-1]
    text = f'{BEGINNING}{head}, "examples": [\n' + ",\n".join(lines) + "\n]}" + END
    with write_atomically(RECORDED) as file:
        file.write_text(text, encoding="utf-8")
    print(f"{RECORDED.relative_to(ROOT)}: {RECORDED.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
