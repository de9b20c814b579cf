"""Floor 4: a language model with its tokenizer: text in, probabilities and more text out."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from tf_seq2seq import search
from tf_seq2seq.checks import check_integer
from tf_seq2seq.losses import token_cross_entropy
from tf_seq2seq.metrics import perplexity
from tf_seq2seq.models import LanguageModel
from tf_seq2seq.strings import utf8
from tf_seq2seq.text import EOS_ID, PAD_ID, Tokenizer
from tf_seq2seq.translator import append


@dataclasses.dataclass(frozen=True)
class TextScore:
    """How probable a language model finds a line.

    Attributes:
        log_probability: of the line and its end, in nats.
        tokens: how many tokens that are, `<eos>` included.
    """

    log_probability: float
    tokens: int

    @property
    def perplexity(self) -> float:
        """`exp(-log_probability / tokens)`."""
        return perplexity(-self.log_probability / self.tokens)


class TextModel(tf.Module):
    """Scores lines of text and continues them, each in one graph.

    A line is read as the language model has read its training text: `<eos>`, the end of the line
    before, stands in front of it, and `<eos>` ends it. A line's result does not depend on the
    batch that it is in. Invalid UTF-8 is read as U+FFFD.

    Args:
        model: a trained `LanguageModel`.
        tokenizer: the tokenizer it was trained with.
        max_length: longer lines are cut off after so many tokens.
        max_new_tokens: continuations are cut off after so many tokens.

    Raises:
        ValueError: if the tokenizer's vocabulary is not of the size that the model was built for.

    Example:

    >>> text_model = TextModel(model, tokenizer)
    >>> text_model.score(["the old man is reading a book"])[0].perplexity
    7.3
    >>> text_model.generate(["the old man"], temperature=0.8, seed=1)
    ['the old man is in the park']
    """

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        *,
        max_length: int = 200,
        max_new_tokens: int = 50,
    ):
        super().__init__()
        if tokenizer.vocabulary_size != model.vocabulary_size:
            raise ValueError(
                f"The tokenizer has {tokenizer.vocabulary_size} tokens, but the model was built "
                f"for {model.vocabulary_size}; pass the tokenizer that it was trained with."
            )
        self.model = model
        self.tokenizer = tokenizer
        self.max_length = check_integer("max_length", max_length, minimum=1)
        self.max_new_tokens = check_integer("max_new_tokens", max_new_tokens, minimum=1)
        self._score = tf.function(
            self.score_graph, input_signature=[tf.TensorSpec([None], tf.string, "text")]
        )

    @property
    def tokenizers(self) -> list[Tokenizer]:
        """The tokenizer, whose table an export must hold."""
        return [self.tokenizer]

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """What `serving.export` exports, graphs of strings by name: see the table there."""
        text = tf.TensorSpec([None], tf.string, "text")
        return {
            "serving_default": tf.function(self.score_graph, input_signature=[text]),
            "generate": tf.function(lambda text: self.generate_graph(text), input_signature=[text]),
        }

    def score_graph(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """The probability of lines, as TensorFlow operations.

        Args:
            text: string `(batch,)`; the batch may be empty.

        Returns:
            `log_probability` float32, `tokens` int32, `<eos>` included, and `perplexity` float32,
            each `(batch,)`.
        """
        tokens, batch_size = self._tokenize(text)
        labels = append(self.tokenizer.token_to_id(tokens), EOS_ID, batch_size)
        length = tf.cast(labels.row_lengths(), tf.int32)
        mask = tf.sequence_mask(length, dtype=tf.float32)
        labels = labels.to_tensor(default_value=PAD_ID)
        # The model wants at least one column, which an empty batch has not.
        columns = [[0, 0], [0, tf.cast(batch_size == 0, tf.int32)]]
        labels, mask = tf.pad(labels, columns), tf.pad(mask, columns)
        inputs = tf.concat([tf.fill([batch_size, 1], EOS_ID), labels[:, :-1]], axis=1)
        loss = token_cross_entropy(labels, self.model(inputs).logits)
        log_probability = -tf.reduce_sum(loss * mask, axis=1)
        return {
            "log_probability": log_probability,
            "tokens": length,
            "perplexity": tf.exp(-log_probability / tf.cast(length, tf.float32)),
        }

    def generate_graph(
        self,
        text: tf.Tensor,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: tf.Tensor | int = 0,
        constraints: search.Constraints = search.NO_CONSTRAINTS,
    ) -> dict[str, tf.Tensor]:
        """Lines and how they go on, as TensorFlow operations.

        Args:
            text: string `(batch,)`, the beginnings; an empty one lets the model begin.
            temperature, top_k, top_p, seed: as in `search.sample`; a temperature of None takes the
                most probable token at each step, without any chance.
            constraints: what may not be written.

        Returns:
            `generated` string, text and continuation together, and `log_probability` float32, that
            of the continuation in nats, each `(batch,)`.
        """
        tokens, batch_size = self._tokenize(text)
        read = tf.concat(
            [tf.fill([batch_size, 1], EOS_ID), self.tokenizer.token_to_id(tokens)], axis=1
        )
        # The last token is the first that the search reads; the others bring the state there. One
        # column more keeps the batch from having none.
        before = tokens.row_lengths()
        start = tf.gather_nd(read, tf.stack([tf.range(tf.size(before, tf.int64)), before], axis=1))
        ids = tf.pad(read.to_tensor(default_value=PAD_ID), [[0, 0], [0, 1]])
        valid = tf.ensure_shape(tf.sequence_mask(before, tf.shape(ids)[1]), ids.shape)
        state = self.model(ids, valid=valid).state
        options = {"start": start, "constraints": constraints}
        if temperature is None:
            write = search.greedy
        else:
            write = search.sample
            options |= {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        found = write(self.model.step, state, batch_size, self.max_new_tokens, **options)
        kept = (found.ids != PAD_ID) & (found.ids != EOS_ID)
        new = tf.ragged.boolean_mask(self.tokenizer.id_to_token(found.ids), kept)
        return {
            "generated": self.tokenizer.detokenize(tf.concat([tokens, new], axis=1)),
            "log_probability": found.scores,
        }

    def _tokenize(self, text):
        # TF Serving does not check the rank, and a scalar would bring a TF-Text kernel down.
        text = tf.ensure_shape(text, [None])
        return self.tokenizer.tokenize(text)[:, : self.max_length], tf.shape(text)[0]

    def _read(self, lines) -> list[bytes]:
        lines = [utf8(line, position) for position, line in enumerate(lines)]
        if lines:
            lengths = self.tokenizer.tokenize(tf.constant(lines)).row_lengths().numpy()
            for position in np.flatnonzero(lengths > self.max_length):
                start = lines[position].decode(errors="replace")[:30]
                warnings.warn(
                    f"Line {position} ({start!r}...) was cut off after "
                    f"max_length={self.max_length} tokens; split it into sentences.",
                    stacklevel=3,
                )
        return lines

    def score(self, lines: Iterable[str], batch_size: int = 64) -> list[TextScore]:
        """How probable the lines are.

        Args:
            lines: any number of strings.
            batch_size: how many go through the graph at a time.

        Raises:
            TypeError: if something is not a string.

        Warns:
            UserWarning: names each line that was cut off at `max_length`.
        """
        lines = self._read(lines)
        scores = []
        for first in range(0, len(lines), batch_size):
            outputs = self._score(tf.constant(lines[first : first + batch_size]))
            pairs = zip(outputs["log_probability"].numpy(), outputs["tokens"].numpy(), strict=True)
            scores += [TextScore(float(value), int(tokens)) for value, tokens in pairs]
        return scores

    def generate(
        self,
        beginnings: Iterable[str] = ("",),
        *,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        **constraints,
    ) -> list[str]:
        """Continue lines, up to their end or `max_new_tokens`.

        Args:
            beginnings: any number of strings; an empty one lets the model begin.
            temperature, top_k, top_p, seed: as in `generate_graph`.
            **constraints: `min_length`, `no_repeat_ngram` and `forbid_unknown`: see
                `search.Constraints`.

        Returns:
            Each beginning with its continuation.

        Raises:
            TypeError: if something is not a string.
            ValueError: if an option is out of its range.

        Warns:
            UserWarning: names each line that was cut off at `max_length`.
        """
        lines = self._read(beginnings)
        options = (temperature, top_k, top_p, seed, search.Constraints(**constraints))
        graph = tf.function(
            lambda text: self.generate_graph(text, *options)["generated"],
            input_signature=[tf.TensorSpec([None], tf.string)],
        )
        return [line.decode() for line in graph(tf.constant(lines, tf.string)).numpy()]
