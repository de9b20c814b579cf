"""A language model with its tokenizer, to score and continue text."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import tensorflow as tf

from tf_seq2seq import search
from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.losses import token_cross_entropy
from tf_seq2seq.metrics import perplexity
from tf_seq2seq.models import LanguageModel, TextGenerator
from tf_seq2seq.search.constraints import ConstraintKeywords
from tf_seq2seq.search.options import check_sampling
from tf_seq2seq.strings import Texts, check_score, listed
from tf_seq2seq.text import EOS_ID, PAD_ID, Tokenizer
from tf_seq2seq.text_io import (
    BATCH_SIZE,
    TEXT,
    check_parts,
    compile_graph,
    explain_damage,
    load_files,
    portable_graph,
    run_in_batches,
    save_files,
    warn_of_cut_offs,
    with_end,
)

_NOUN = "text model"


@dataclasses.dataclass(frozen=True)
class TextScore:
    """The probability of a line under a language model.

    Attributes:
        log_probability: the log probability of the line, including `<eos>`, in nats.
        tokens: the number of tokens, including `<eos>`.
    """

    log_probability: float
    tokens: int

    @property
    def perplexity(self) -> float:
        """The perplexity per token, `exp(-log_probability / tokens)`."""
        return perplexity(-self.log_probability / self.tokens)


class TextModel(tf.Module):
    """Score and continue lines of text.

    As in the language model's training text, a line follows the `<eos>` of the previous line and
    ends with `<eos>`. A score does not depend on the other lines in the batch. Invalid UTF-8
    becomes U+FFFD.

    Args:
        model: a trained `LanguageModel`.
        tokenizer: the tokenizer that the model was trained with.
        max_length: the maximum number of tokens in a line, not counting `<eos>`; longer lines are
            cut off.
        max_new_tokens: the maximum number of tokens in a continuation.

    Raises:
        InputError: if a limit is invalid, or the size of the tokenizer's vocabulary is not the one
            that the model was built for.

    Example:

    >>> tokenizer = s2s.text.WordTokenizer()
    >>> tokenizer.adapt(["the old man is reading a book"])
    >>> text_model = TextModel(s2s.LanguageModel(tokenizer.vocabulary_size, 8), tokenizer)
    >>> text_model.score(["the old man", "a book"])[1].tokens
    3
    >>> text_model.generate("the old man", temperature=0.8, seed=1)
    ['the old man ...']
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
        check_parts(model, TextGenerator, "LanguageModel", tokenizer=tokenizer)
        if tokenizer.vocabulary_size != model.vocabulary_size:
            raise InputError(
                f"The tokenizer has {tokenizer.vocabulary_size} tokens, but the model was built "
                f"for {model.vocabulary_size}; pass the tokenizer that it was trained with."
            )
        self.model = model
        self.tokenizer = tokenizer
        self.max_length = check_integer("max_length", max_length, minimum=1)
        self.max_new_tokens = check_integer("max_new_tokens", max_new_tokens, minimum=1)
        # TensorFlow would try to save a dict that is an attribute, and refuse these keys.
        self._compiled: dict[tuple | None, Callable] = self._no_dependency({})

    def __getstate__(self) -> dict[str, Any]:
        # Compiled graphs and TensorFlow's attributes cannot be pickled or copied.
        names = ("model", "tokenizer", "max_length", "max_new_tokens")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @property
    def _default_save_signature(self) -> tf.types.experimental.PolymorphicFunction:
        """The signature `serving_default` that `tf.saved_model.save(text_model, path)` writes."""
        return portable_graph(self.score_graph, TEXT)

    @property
    def tokenizers(self) -> list[Tokenizer]:
        """The tokenizer, whose lookup table must be part of an export."""
        return [self.tokenizer]

    def score_graph(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Score lines, using only TensorFlow operations.

        Args:
            text: string `(batch,)`; the batch may be empty.

        Returns:
            - `log_probability`: float32 `(batch,)`, in nats,
            - `tokens`: int32 `(batch,)`, the number of tokens, including `<eos>`,
            - `perplexity`: float32 `(batch,)`,
            - `cut_off`: bool `(batch,)`, whether the line was longer than `max_length`.
        """
        tokens, cut_off, batch_size = self._tokenize(text)
        labels = with_end(self.tokenizer.token_to_id(tokens), EOS_ID, PAD_ID)
        length = tf.cast(tokens.row_lengths() + 1, tf.int32)
        mask = tf.sequence_mask(length, tf.shape(labels)[1], tf.float32)
        inputs = tf.concat([tf.fill([batch_size, 1], EOS_ID), labels[:, :-1]], axis=1)
        loss = token_cross_entropy(labels, self.model(inputs).logits)
        log_probability = -tf.reduce_sum(loss * mask, axis=1)
        return {
            "log_probability": log_probability,
            "tokens": length,
            "perplexity": tf.exp(-log_probability / tf.cast(length, tf.float32)),
            "cut_off": cut_off,
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
        """Continue lines, using only TensorFlow operations.

        Args:
            text: string `(batch,)`, the beginnings of lines, which may be empty.
            temperature, top_k, top_p, seed: as in `search.sample`. If the temperature is None, take
                the most probable token at each step; the other options have no effect.
            constraints: the tokens to forbid.

        Returns:
            - `generated`: string `(batch,)`, each text with its continuation,
            - `log_probability`: float32 `(batch,)`, that of the continuation in nats,
            - `cut_off`: bool `(batch,)`, whether the beginning was longer than `max_length`.
        """
        tokens, cut_off, batch_size = self._tokenize(text)
        read = tf.concat(
            [tf.fill([batch_size, 1], EOS_ID), self.tokenizer.token_to_id(tokens)], axis=1
        )
        # The search starts from the last token; the model reads those before it here. One more
        # column makes sure that there is at least one.
        before = tokens.row_lengths()
        start = tf.gather_nd(read, tf.stack([tf.range(tf.size(before, tf.int64)), before], axis=1))
        ids = tf.pad(read.to_tensor(default_value=PAD_ID), [[0, 0], [0, 1]])
        valid = tf.ensure_shape(tf.sequence_mask(before, tf.shape(ids)[1]), ids.shape)
        state = self.model(ids, valid=valid).state
        options = {"start": start, "constraints": constraints}
        write: Callable[..., search.Sequences]
        if temperature is None:
            write = search.greedy
            options["memory"] = ()  # which lets the search drop the rows that have ended
        else:
            write = search.sample
            options |= {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        found = write(self.model.stepper(), state, batch_size, self.max_new_tokens, **options)
        kept = (found.ids != PAD_ID) & (found.ids != EOS_ID)
        new = tf.ragged.boolean_mask(self.tokenizer.id_to_token(found.ids), kept)
        return {
            "generated": self.tokenizer.detokenize(tf.concat([tokens, new], axis=1)),
            "log_probability": found.scores,
            "cut_off": cut_off,
        }

    def score(
        self, lines: Texts, batch_size: int = BATCH_SIZE, verbose: int = 0
    ) -> list[TextScore]:
        """Score lines.

        Args:
            lines: one string, or any iterable of them. Bytes are UTF-8.
            batch_size: the number of lines in a batch.
            verbose: 1 for a progress bar.

        Returns:
            A `TextScore` for each line, in the same order.

        Raises:
            TypeError: if a line is not a string or bytes.
            InputError: if the model's weights are not finite.

        Warns:
            UserWarning: for each line that was cut off at `max_length`.
        """
        if None not in self._compiled:
            self._compiled[None] = compile_graph(self.score_graph, TEXT)
        outputs = self._run(self._compiled[None], listed(lines), batch_size, verbose)
        return [TextScore(each["log_probability"], int(each["tokens"])) for each in outputs]

    def generate(
        self,
        beginnings: Texts = "",
        batch_size: int = BATCH_SIZE,
        verbose: int = 0,
        *,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        **constraints: Unpack[ConstraintKeywords],
    ) -> list[str]:
        """Continue lines to their end, by at most `max_new_tokens` tokens.

        Args:
            beginnings: one string, or any iterable of them. Bytes are UTF-8. A beginning may be
                empty.
            batch_size: the number of lines in a batch.
            verbose: 1 for a progress bar.
            temperature, top_k, top_p: as in `search.sample`. If the temperature is None, take the
                most probable token at each step; the other two are then not allowed.
            seed: an integer from 0 to 2**31 - 1. The same seed, beginnings and `batch_size` give
                the same continuations.
            **constraints: the arguments of `search.Constraints`.

        Returns:
            Each beginning with its continuation.

        Raises:
            TypeError: if a beginning is not a string or bytes, or if there is no such constraint.
            InputError: if an option is invalid, or if the model's weights are not finite.

        Warns:
            UserWarning: for each line that was cut off at `max_length`.
        """
        seed = check_integer("seed", seed, minimum=0, maximum=2**31 - 1)
        if temperature is not None:
            temperature, top_k, top_p = check_sampling(temperature, top_k, top_p)
        elif top_k is not None or top_p is not None:
            raise InputError(
                f"`top_k` and `top_p` need a `temperature`, got top_k={top_k} and top_p={top_p}: "
                "pass temperature=1.0 to sample."
            )
        options = (temperature, top_k, top_p, search.Constraints(**constraints))
        if options not in self._compiled:
            self._compiled[options] = compile_graph(
                lambda text, seed: self.generate_graph(text, *options[:3], seed, options[3]),
                TEXT,
                tf.TensorSpec([], tf.int32, "seed"),
            )
        generate, seeds = self._compiled[options], _seeds(seed)
        outputs = self._run(
            lambda text: generate(text, tf.constant(next(seeds))),
            listed(beginnings),
            batch_size,
            verbose,
        )
        return [each["generated"].decode() for each in outputs]

    def save(self, directory: str | Path) -> None:
        """Write the model and the tokenizer, for `TextModel.load`.

        If the call is interrupted, an existing text model in the directory stays intact.

        Args:
            directory: created if it does not exist. The files are `model.keras`, `tokenizer/` and
                `text_model.json`.

        Raises:
            OSError: if the disk is full or the directory cannot be written to.
        """
        limits = {"max_length": self.max_length, "max_new_tokens": self.max_new_tokens}
        save_files(directory, _NOUN, self.model, {"tokenizer": self.tokenizer}, limits)

    @classmethod
    def load(cls, directory: str | Path) -> TextModel:
        """Read a text model that `save` wrote.

        Args:
            directory: the directory that was passed to `save`.

        Raises:
            InputError: if the directory does not contain a text model, or if it is damaged.
        """
        directory = Path(directory)
        with explain_damage(directory, _NOUN, "TextModel.save"):
            model, tokenizers, limits = load_files(directory, _NOUN, ["tokenizer"])
            return cls(model, *tokenizers, **limits)

    def _tokenize(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.Tensor, tf.Tensor]:
        """Return the tokens up to `max_length`, whether there were more, and the batch size."""
        # TF Serving does not check the rank, and a scalar would crash a TF-Text kernel.
        text = tf.ensure_shape(text, [None])
        tokens = self.tokenizer.tokenize(text)
        cut_off = tokens.row_lengths() > self.max_length
        return tokens[:, : self.max_length], cut_off, tf.shape(text)[0]

    def _run(
        self, function: Callable, lines: list[str | bytes], batch_size: int, verbose: int
    ) -> list[dict[str, Any]]:
        """Call a graph in batches, and return the outputs for each line.

        Call it only from public methods: the stack level of its warnings depends on that.
        """
        results: list[dict[str, Any]] = [{}] * len(lines)
        for rows, outputs in run_in_batches(function, lines, batch_size, verbose=verbose):
            for row, i in enumerate(rows):
                results[i] = {name: values[row] for name, values in outputs.items()}
                score = check_score("line", i, lines[i], outputs["log_probability"][row])
                results[i]["log_probability"] = score
            limit = f"max_length={self.max_length}"
            warn_of_cut_offs("Line", lines, rows, outputs["cut_off"], limit, 3)
        return results


def _seeds(seed: int) -> Iterator[int]:
    """Yield a different seed for each batch, so that batches get different random numbers."""
    yield seed
    for batch in itertools.count(1):
        yield int(np.random.SeedSequence([seed, batch]).generate_state(1)[0] >> 1)
