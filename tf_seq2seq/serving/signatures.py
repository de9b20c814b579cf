"""The signatures of an export: functions from strings to tensors, by name.

A translator:

| signature         | output            | dtype   | shape                             | meaning                         |
|-------------------|-------------------|---------|-----------------------------------|---------------------------------|
| `serving_default` | `translation`     | string  | `[batch]`                         | by greedy search                |
|                   | `score`           | float32 | `[batch]`                         | log probability, nats           |
| `details`         | `translation`     | string  | `[batch]`                         | the same, and its tokens        |
|                   | `score`           | float32 | `[batch]`                         | log probability, nats           |
|                   | `source_tokens`   | string  | `[batch, source]`                 | as the encoder read them        |
|                   | `source_length`   | int32   | `[batch]`                         | tokens, `<eos>` included        |
|                   | `cut_off`         | bool    | `[batch]`                         | source longer than the maximum  |
|                   | `target_tokens`   | string  | `[batch, target]`                 | as the decoder wrote them       |
|                   | `target_length`   | int32   | `[batch]`                         | tokens, `<eos>` included        |
|                   | `alignment`       | float32 | `[batch, target, source]`         | attention weights               |
| `beam`            | `translations`    | string  | `[batch, n_best]`                 | by beam search, the best first  |
|                   | `scores`          | float32 | `[batch, n_best]`                 | log probabilities, nats         |
|                   | `translation`     | string  | `[batch]`                         | the best                        |
| `beam_details`    | `translations`    | string  | `[batch, n_best]`                 | the same, and their tokens      |
|                   | `scores`          | float32 | `[batch, n_best]`                 | log probabilities, nats         |
|                   | `source_tokens`   | string  | `[batch, source]`                 | as the encoder read them        |
|                   | `source_length`   | int32   | `[batch]`                         | tokens, `<eos>` included        |
|                   | `cut_off`         | bool    | `[batch]`                         | source longer than the maximum  |
|                   | `target_tokens`   | string  | `[batch, n_best, target]`         | as the decoder wrote them       |
|                   | `target_lengths`  | int32   | `[batch, n_best]`                 | tokens, `<eos>` included        |
|                   | `alignments`      | float32 | `[batch, n_best, target, source]` | attention weights               |
| `complete`        | as `serving_default` |      |                                   | continuing from `prefix`        |
| `complete_details` | as `details`     |         |                                   | continuing from `prefix`        |
|                   | `prefix_cut_off`  | bool    | `[batch]`                         | prefix longer than the maximum  |
| `complete_beam`   | as `beam`         |         |                                   | continuing from `prefix`        |
| `complete_beam_details` | as `beam_details` |  |                                   | continuing from `prefix`        |
|                   | `prefix_cut_off`  | bool    | `[batch]`                         | prefix longer than the maximum  |
| `score`           | `log_probability` | float32 | `[batch]`                         | of `target`, nats               |
|                   | `tokens`          | int32   | `[batch]`                         | of `target`, `<eos>` included   |
| `score_details`   | as `details`      |         |                                   | of `target`                     |
|                   | `target_cut_off`  | bool    | `[batch]`                         | target longer than the maximum  |
| `encode`          | `context`         | float32 | `[batch, output_size]`            | the context vector, `c = h_T`   |

A language model (a `TextModel`):

| signature         | output            | dtype   | shape     | meaning                                  |
|-------------------|-------------------|---------|-----------|------------------------------------------|
| `serving_default` | `log_probability` | float32 | `[batch]` | of the line and its end, nats            |
|                   | `tokens`          | int32   | `[batch]` | of the line, `<eos>` included            |
|                   | `perplexity`      | float32 | `[batch]` | per token                                |
| `generate`        | `generated`       | string  | `[batch]` | the text and its continuation            |
|                   | `log_probability` | float32 | `[batch]` | of the continuation, nats                |

The input of each signature is `text`, string `[batch]`; `score` and `score_details` have a second
input, `target`, of the same shape, and the signatures that begin with `complete` have `prefix`, the
beginning of each translation, which may be empty. `alignment` and `alignments` exist only for models with
attention. Tokens do not contain the tokenizer's markers. Rows are padded with empty strings and
zeros to the longest of the batch; the lengths give each row's true size. If `beam` finds fewer than `n_best`
translations, the missing ones are empty and have the lowest finite float32 as their score.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.search import SearchOptions
from tf_seq2seq.search.options import check_options
from tf_seq2seq.text_io import TEXT, compile_graph
from tf_seq2seq.text_model import TextModel
from tf_seq2seq.translation_graph import PREFIX, TARGET
from tf_seq2seq.translator import Translator

Signatures = dict[str, tf.types.experimental.PolymorphicFunction]

BEAM = SearchOptions(beam_width=5, n_best=5)
"""Default search options of the signature `beam`."""


def signatures_of(
    exported: Translator | TextModel, beam: SearchOptions | None = None
) -> Signatures:
    """Return the functions to export, by signature name.

    Args:
        exported: a `Translator` or a `TextModel`.
        beam: the search options of `beam` and `beam_details` of a translator; None for `BEAM`.

    Raises:
        InputError: if `exported` is something else, if `beam` is, or if a `TextModel` is given
            search options.
    """
    options = check_options("beam", BEAM if beam is None else beam)
    if isinstance(exported, Translator):
        return _translator_signatures(exported, options)
    if not isinstance(exported, TextModel):
        raise InputError(
            f"Expected a Translator or a TextModel to export, got {type(exported).__name__}."
        )
    if beam is not None:
        raise InputError("`beam` is for translators; a TextModel has no beam search: omit it.")
    return _text_model_signatures(exported)


def _translator_signatures(translator: Translator, options: SearchOptions) -> Signatures:
    # A function that several signatures call is traced once, and its graph is stored once. A
    # translation is a completion of nothing: a second search would nearly double the graph.
    greedy = compile_graph(lambda text, prefix: translator.graph(text, prefix=prefix), TEXT, PREFIX)
    best = compile_graph(
        lambda text, prefix: translator.n_best_graph(text, options, prefix), TEXT, PREFIX
    )
    forced = compile_graph(translator.score_graph, TEXT, TARGET)

    def complete(text, prefix):
        outputs = greedy(text, prefix)
        return {name: outputs[name] for name in ("translation", "score")}

    def complete_beam_details(text, prefix):
        outputs = best(text, prefix)
        # A missing hypothesis has the score -inf, which JSON cannot represent.
        outputs["score"] = tf.maximum(outputs["score"], tf.float32.min)
        plurals = ("translation", "score", "target_length", "alignment")
        return {f"{name}s" if name in plurals else name: outputs[name] for name in outputs}

    def complete_beam(text, prefix):
        outputs = complete_beam_details(text, prefix)
        found = {name: outputs[name] for name in ("translations", "scores")}
        return {**found, "translation": outputs["translations"][:, 0]}

    def score(text, target):
        outputs = forced(text, target)
        return {"log_probability": outputs["score"], "tokens": outputs["target_length"]}

    completions = {
        "serving_default": ("complete", complete),
        "details": ("complete_details", lambda text, prefix: greedy(text, prefix)),
        "beam": ("complete_beam", complete_beam),
        "beam_details": ("complete_beam_details", complete_beam_details),
    }
    return {
        **{name: compile_graph(_of_nothing(each), TEXT) for name, (_, each) in completions.items()},
        **{name: compile_graph(each, TEXT, PREFIX) for name, each in completions.values()},
        "score": compile_graph(score, TEXT, TARGET),
        "score_details": compile_graph(lambda text, target: forced(text, target), TEXT, TARGET),
        "encode": compile_graph(translator.encode_graph, TEXT),
    }


def _of_nothing(complete: Callable) -> Callable:
    """Return a function that completes empty prefixes."""

    def translate(text):
        outputs = complete(text, tf.fill(tf.shape(text), ""))
        return {name: outputs[name] for name in outputs if name != "prefix_cut_off"}

    return translate


def _text_model_signatures(text_model: TextModel) -> Signatures:
    def serving_default(text):
        outputs = text_model.score_graph(text)
        return {name: outputs[name] for name in ("log_probability", "tokens", "perplexity")}

    def generate(text):
        outputs = text_model.generate_graph(text)
        return {name: outputs[name] for name in ("generated", "log_probability")}

    return {
        "serving_default": compile_graph(serving_default, TEXT),
        "generate": compile_graph(generate, TEXT),
    }
