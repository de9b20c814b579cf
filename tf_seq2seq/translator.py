"""Floor 4: strings in, strings out, in one graph."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import keras
import numpy as np
import tensorflow as tf

from tf_seq2seq import search
from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.models import Ensemble, Seq2Seq
from tf_seq2seq.strings import listed, utf8
from tf_seq2seq.text import EOS, EOS_ID, PAD_ID, SOS_ID, UNK_ID, Tokenizer
from tf_seq2seq.translation import Translation


@dataclasses.dataclass(frozen=True)
class SearchOptions(search.Constraints):
    """How a translation is searched for: greedily, or with a beam (see `search.beam`).

    Args:
        beam_width: how many hypotheses are followed; 1 is greedy search.
        n_best: how many of them there are to choose from in the end, at most `beam_width`.
        length_penalty: alpha of the length normalisation, or `"average"`; without effect on
            greedy search.
        coverage_penalty: beta, for models with attention.
        replace_unknown: whether `<unk>` in a translation is replaced by the source word with the
            greatest attention weight (Luong et al. 2015, "Addressing the Rare Word Problem").
        min_length, no_repeat_ngram, forbid_unknown: see `search.Constraints`.

    Raises:
        ValueError: if a value is out of its range.
    """

    beam_width: int = 1
    n_best: int = 1
    length_penalty: float | str = 1.0
    coverage_penalty: float = 0.0
    replace_unknown: bool = False

    def __post_init__(self):
        super().__post_init__()
        for name in ("beam_width", "n_best"):
            search.check_integer(name, getattr(self, name), least=1)
        if self.length_penalty != "average":
            search.check_penalty("length_penalty", self.length_penalty, "or 'average', ")
        search.check_penalty("coverage_penalty", self.coverage_penalty)
        if not 1 <= self.n_best <= self.beam_width:
            raise ValueError(
                f"Expected 1 <= n_best <= beam_width, got n_best={self.n_best} and "
                f"beam_width={self.beam_width}."
            )


GREEDY = SearchOptions()
# What Keras and JSON raise for files that are not whole.
_DAMAGED = (ValueError, OSError, EOFError, KeyError, TypeError, AttributeError, BadZipFile)
_TEXT = tf.TensorSpec([None], tf.string, "text")
_TARGET = tf.TensorSpec([None], tf.string, "target")


class Translator(tf.Module):
    """Translates strings: normalises, tokenises, encodes, searches and detokenises in one graph.

    A sentence's translation does not depend on the batch that it is in. An empty sentence has an
    empty translation of score 0. Invalid UTF-8 is read as U+FFFD.

    Args:
        model: a trained `Seq2Seq`, or an `Ensemble` of several.
        source_tokenizer, target_tokenizer: the tokenizers it was trained with.
        max_source_length: longer sentences are cut off after so many tokens.
        max_target_length: translations are cut off after so many tokens.

    Raises:
        ValueError: if a tokenizer's vocabulary is not of the size that the model was built for.

    Example:

    >>> translator = Translator(model, english, chinese)
    >>> translator(["She reads a book."])[0].text
    '她看书。'
    >>> translator(["She reads a book."], beam_width=5)[0].score
    -0.61
    """

    def __init__(
        self,
        model: Seq2Seq | Ensemble,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        *,
        max_source_length: int = 100,
        max_target_length: int = 100,
    ):
        super().__init__()
        for side, tokenizer, size in (
            ("source", source_tokenizer, model.source_vocabulary_size),
            ("target", target_tokenizer, model.target_vocabulary_size),
        ):
            if tokenizer.vocabulary_size != size:
                raise ValueError(
                    f"The {side} tokenizer has {tokenizer.vocabulary_size} tokens, but the model "
                    f"was built for {size}; pass the tokenizer that the model was "
                    "trained with."
                )
        for name, length in (
            ("max_source_length", max_source_length),
            ("max_target_length", max_target_length),
        ):
            check_integer(name, length, minimum=1)
        self.model = model
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.max_source_length = max_source_length
        self.max_target_length = max_target_length
        self._graphs = {}

    @property
    def aligns(self) -> bool:
        """Whether the model has attention, so that translations come with an alignment."""
        return self.model.aligns

    @property
    def tokenizers(self) -> list[Tokenizer]:
        """Both tokenizers, whose tables an export must hold."""
        return [self.source_tokenizer, self.target_tokenizer]

    def signatures(
        self,
        beam: SearchOptions = SearchOptions(beam_width=5, n_best=5),
        align: SearchOptions = GREEDY,
    ) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """What `serving.export` exports, graphs of strings by name: see the table there.

        Args:
            beam: how the signature `beam` searches.
            align: how the signature `align` searches.
        """

        def serving_default(text):
            outputs = self.graph(text)
            return {name: outputs[name] for name in ("translation", "score")}

        def beam_(text):
            outputs = self.n_best_graph(text, beam)
            # JSON has no infinity, which is the score of a hypothesis that does not exist.
            scores = tf.maximum(outputs["score"], tf.float32.min)
            translations = outputs["translation"]
            return {
                "translations": translations,
                "scores": scores,
                "translation": translations[:, 0],
            }

        def align_(text):
            outputs = self.graph(text, align)
            del outputs["cut_off"]
            return outputs

        def score(text, target):
            outputs = self.score_graph(text, target)
            return {"log_probability": outputs["score"], "tokens": outputs["target_length"]}

        signatures = {
            "serving_default": tf.function(serving_default, input_signature=[_TEXT]),
            "beam": tf.function(beam_, input_signature=[_TEXT]),
            "score": tf.function(score, input_signature=[_TEXT, _TARGET]),
            "encode": tf.function(self.encode_graph, input_signature=[_TEXT]),
        }
        if self.aligns:
            signatures["align"] = tf.function(align_, input_signature=[_TEXT])
        return signatures

    def graph(self, text: tf.Tensor, options: SearchOptions = GREEDY) -> dict[str, tf.Tensor]:
        """The whole way as TensorFlow operations, for calling inside a graph and for export.

        Args:
            text: string `(batch,)`; the batch may be empty.
            options: how to search.

        Returns:
            Of the best hypothesis of each sentence:

            - `translation`: string `(batch,)`,
            - `score`: float32 `(batch,)`, its log probability, in nats,
            - `source_tokens`: string `(batch, source_length)`, filled with empty strings,
            - `source_length`: int32 `(batch,)`, `<eos>` included, 0 for an empty sentence,
            - `target_tokens`: string `(batch, target_length)`, filled with empty strings,
            - `target_length`: int32 `(batch,)`, `<eos>` included, 0 for an empty sentence,
            - `cut_off`: bool `(batch,)`, whether the source was longer than `max_source_length`,
            - `alignment`: float32 `(batch, target_length, source_length)`, filled with zeros;
              absent for a model without attention.

        Raises:
            ValueError: if an option needs attention, which the model has not.
        """
        outputs = self.n_best_graph(text, options)
        of_sentences = ("source_tokens", "source_length", "cut_off")
        return {
            name: value if name in of_sentences else value[:, 0] for name, value in outputs.items()
        }

    def n_best_graph(self, text: tf.Tensor, options: SearchOptions) -> dict[str, tf.Tensor]:
        """As `graph`, of the `n_best` best hypotheses of each sentence, the best first.

        Returns:
            The same; `translation`, `score`, `target_tokens`, `target_length` and `alignment` have
            a dimension `n_best` after the first. A hypothesis that does not exist has a score of
            minus infinity and a length of 0.
        """
        source = self._read(text)
        batch_size, width, n_best = tf.shape(text)[0], options.beam_width, options.n_best
        state, memory = self.model.encode(source.ids)
        if width == 1:
            found = search.greedy(
                lambda ids, state: self.model.step(ids, state, memory),
                state,
                batch_size,
                self.max_target_length,
                aligned=self.aligns,
                finished=source.empty,
                constraints=options,
            )
            ids, lengths, scores, alignment = (
                None if each is None else each[:, None] for each in found
            )
        else:
            memory = search.repeat_rows(memory, width)
            found = search.beam(
                lambda ids, state: self.model.step(ids, state, memory),
                state,
                batch_size,
                self.max_target_length,
                width=width,
                n_best=n_best,
                length_penalty=options.length_penalty,
                coverage_penalty=options.coverage_penalty,
                source_mask=source.ids != PAD_ID,
                aligned=self.aligns,
                finished=source.empty,
                constraints=options,
            )
            ids, lengths, alignment = found.ids, found.lengths, found.alignment
            scores = found.log_probabilities

        tokens = self.target_tokenizer.id_to_token(ids)
        if options.replace_unknown:
            tokens = tf.where(ids == UNK_ID, self._most_attended(source, alignment), tokens)
        # Rows of the batch and their hypotheses in one dimension, as the tokenizer wants it.
        rows = [batch_size * n_best, tf.shape(ids)[2]]
        text = self._text_of(tf.reshape(ids, rows), tf.reshape(tokens, rows))
        result = {
            "translation": tf.reshape(text, [batch_size, n_best]),
            "score": scores,
            "source_tokens": source.tokens,
            "source_length": source.length,
            "cut_off": source.cut_off,
            "target_tokens": tf.where(ids != PAD_ID, tokens, ""),
            "target_length": lengths,
        }
        if self.aligns:
            result["alignment"] = alignment
        return result

    def score_graph(self, text: tf.Tensor, target: tf.Tensor) -> dict[str, tf.Tensor]:
        """How probable given translations are, as TensorFlow operations: forced decoding.

        Args:
            text: string `(batch,)`; the batch may be empty.
            target: string `(batch,)`, a translation of each.

        Returns:
            As `graph`, with what was given as the translations, and `target_cut_off`: bool
            `(batch,)`, whether that was longer than `max_target_length`.
        """
        source = self._read(text)
        # A batch of another size is refused here; further on it might be spread over the sentences.
        target = tf.reshape(tf.ensure_shape(target, [None]), tf.shape(text))
        batch_size = tf.shape(text)[0]
        tokens = self.target_tokenizer.tokenize(target)
        cut_off = tokens.row_lengths() > self.max_target_length - 1
        tokens = tokens[:, : self.max_target_length - 1]
        ids = append(self.target_tokenizer.token_to_id(tokens), EOS_ID, batch_size)
        ids = ids.to_tensor(default_value=PAD_ID)
        # Of nothing comes nothing, without doubt: such is its translation too.
        certain = source.empty & (tokens.row_lengths() == 0)
        ids = tf.where(certain[:, None], PAD_ID, ids)
        # The search wants at least one column, which an empty batch has not.
        ids = tf.pad(ids, [[0, 0], [0, tf.cast(batch_size == 0, tf.int32)]])
        state, memory = self.model.encode(source.ids)
        found = search.forced(
            lambda ids, state: self.model.step(ids, state, memory), state, ids, self.aligns
        )
        tokens = self.target_tokenizer.id_to_token(ids)
        result = {
            "translation": self._text_of(ids, tokens),
            "score": found.scores,
            "source_tokens": source.tokens,
            "source_length": source.length,
            "cut_off": source.cut_off,
            "target_cut_off": cut_off,
            "target_tokens": tf.where(ids != PAD_ID, tokens, ""),
            "target_length": found.lengths,
        }
        if self.aligns:
            result["alignment"] = found.alignment
        return result

    def encode_graph(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the encoder makes of sentences, as TensorFlow operations.

        Args:
            text: string `(batch,)`; the batch may be empty.

        Returns:
            `context` float32 `(batch, units)`, `c = h_T`; zero for an empty sentence.
        """
        source = self._read(text)
        context = tf.cast(self.model.context(source.ids), tf.float32)
        return {"context": tf.where(source.empty[:, None], 0.0, context)}

    def _read(self, text) -> _Source:
        # TF Serving does not check the rank, and a scalar would bring a TF-Text kernel down.
        text = tf.ensure_shape(text, [None])
        batch_size = tf.shape(text)[0]
        tokens = self.source_tokenizer.tokenize(text)
        cut_off = tokens.row_lengths() > self.max_source_length
        tokens = tokens[:, : self.max_source_length]
        empty = tokens.row_lengths() == 0

        ids = append(self.source_tokenizer.token_to_id(tokens), EOS_ID, batch_size)
        ids = ids.to_tensor(default_value=PAD_ID)
        # The encoder wants at least one column, which an empty batch has not.
        ids = tf.pad(ids, [[0, 0], [0, tf.cast(batch_size == 0, tf.int32)]])
        shown = append(tokens, EOS, batch_size).to_tensor(default_value="")
        length = tf.where(empty, 0, tf.cast(tokens.row_lengths() + 1, tf.int32))
        return _Source(ids, tf.where(empty[:, None], "", shown), length, empty, cut_off)

    def _text_of(self, ids, tokens):
        """The text of tokens, `(rows, length)`, without those that are control tokens by `ids`."""
        kept = (ids != PAD_ID) & (ids != SOS_ID) & (ids != EOS_ID)
        return self.target_tokenizer.detokenize(tf.ragged.boolean_mask(tokens, kept))

    def _most_attended(self, source, alignment):
        """For each target token `(batch, n, target_length)` the source token it belongs to."""
        # <eos> is no word to copy.
        words = tf.sequence_mask(source.length - 1, tf.shape(alignment)[3], tf.float32)
        place = tf.argmax(alignment * words[:, None, None], axis=3, output_type=tf.int32)
        return tf.gather(self._words(source), place, batch_dims=1)

    def _words(self, source):
        """For each source token `(batch, source_length)` the whole word that it is a part of."""
        inside = tf.sequence_mask(source.length - 1, tf.shape(source.tokens)[1])
        rows = tf.ragged.boolean_mask(source.tokens, inside)
        starts = self.source_tokenizer.starts_word(rows.values)
        # The first token of a sentence starts a word whatever it looks like.
        first = tf.scatter_nd(
            rows.row_starts()[rows.row_lengths() > 0][:, None],
            tf.ones([tf.math.count_nonzero(rows.row_lengths())], tf.int32),
            tf.shape(starts, tf.int64),
        )
        word = tf.cumsum(tf.cast(starts | (first > 0), tf.int64)) - 1
        words = self.source_tokenizer.detokenize(
            tf.RaggedTensor.from_value_rowids(rows.values, word)
        )
        words = rows.with_values(tf.gather(words, word)).to_tensor(default_value="")
        return tf.pad(words, [[0, 0], [0, tf.shape(source.tokens)[1] - tf.shape(words)[1]]])

    def _check(self, options: SearchOptions) -> None:
        """Find what this model cannot do before a graph is made, whose errors are hard to read."""
        for name in ("coverage_penalty", "replace_unknown"):
            if getattr(options, name) and not self.aligns:
                raise ValueError(
                    f"`{name}` goes by what attention looks at, and this model has none; leave it "
                    "out."
                )

    def _function(self, graph, options=None):
        """`graph` compiled for these options, once."""
        key = (graph.__name__, options)
        if key not in self._graphs:
            if options is not None:
                self._check(options)
            if options is None:
                signature = [_TEXT, _TARGET]
                self._graphs[key] = tf.function(graph, input_signature=signature)
            else:
                self._graphs[key] = tf.function(
                    lambda text: graph(text, options), input_signature=[_TEXT]
                )
        return self._graphs[key]

    def __call__(
        self, sentences: str | Iterable[str], batch_size: int = 64, verbose: int = 0, **options
    ) -> list[Translation]:
        """Translate sentences.

        Args:
            sentences: one string, or any number of them.
            batch_size: how many sentences go through the graph at a time.
            verbose: 1 for a progress bar.
            **options: of the search, see `SearchOptions`; greedy without any.

        Returns:
            A `Translation` for each sentence, in their order.

        Raises:
            TypeError: if something is not a string, or there is no such option.
            ValueError: if an option is out of its range, or wants attention where there is none.
            InputError: if the model's weights are not numbers.

        Warns:
            UserWarning: names each sentence that was cut off at `max_source_length`.
        """
        return [best for best, *_ in self.n_best(sentences, batch_size, verbose, **options)]

    def n_best(
        self, sentences: str | Iterable[str], batch_size: int = 64, verbose: int = 0, **options
    ) -> list[list[Translation]]:
        """Translate sentences in several ways.

        Args:
            sentences, batch_size, verbose: as for a call.
            **options: of the search, `beam_width` and `n_best` among them: see `SearchOptions`.

        Returns:
            For each sentence its `n_best` translations, the best first; fewer where there are not
            so many.
        """
        translate = self._function(self.n_best_graph, SearchOptions(**options))
        return self._run(translate, listed(sentences), batch_size, verbose=verbose)

    def score(
        self,
        sentences: str | Iterable[str],
        translations: str | Iterable[str],
        batch_size: int = 64,
    ) -> list[Translation]:
        """How probable given translations are, and how they align with their sources.

        Args:
            sentences: one string, or any number of them.
            translations: as many.
            batch_size: how many pairs go through the graph at a time.

        Returns:
            A `Translation` for each pair, whose text is the given one as the tokenizer sees it.

        Raises:
            TypeError: if something is not a string.
            InputError: if the numbers of sentences and translations differ.

        Warns:
            UserWarning: names each sentence and each translation that was cut off at
                `max_source_length` or `max_target_length`.

        Example:

        >>> translator.score("She reads a book.", "她看书。")[0].score
        -0.61
        """
        sentences, translations = listed(sentences), listed(translations)
        if len(sentences) != len(translations):
            raise InputError(
                f"There are {len(sentences)} sentences and {len(translations)} translations to "
                "score: give one translation for each sentence."
            )
        function = self._function(self.score_graph)
        return [pair for (pair,) in self._run(function, sentences, batch_size, translations)]

    def _run(self, function, sentences, batch_size, *more, verbose=0) -> list[list[Translation]]:
        results: list[list[Translation]] = [[]] * len(sentences)
        for rows, outputs in run_in_batches(
            function, sentences, batch_size, *more, verbose=verbose
        ):
            for row, i in enumerate(rows):
                results[i] = self._unpack(outputs, row)
                if not (results[i] and np.isfinite(results[i][0].score)):
                    raise InputError(
                        f"The model gives sentence {i} ({sentences[i][:30]!r}) no probability that "
                        "is a number: its weights are spoilt. Train it anew, at a lower rate."
                    )
            for name, texts, limit in (
                ("cut_off", sentences, "max_source_length"),
                ("target_cut_off", *more, "max_target_length"),
            )[: 1 + len(more)]:
                for row in np.flatnonzero(outputs[name]):
                    kind = "Sentence" if texts is sentences else "Translation"
                    warnings.warn(
                        f"{kind} {rows[row]} ({texts[rows[row]][:30]!r}...) was cut off after "
                        f"{limit}={getattr(self, limit)} tokens; split it into sentences.",
                        stacklevel=4,
                    )
        return results

    def _unpack(self, arrays: dict[str, np.ndarray], row: int) -> list[Translation]:
        """The hypotheses of a row, from outputs with or without a dimension for them."""
        of_row = {name: array[row] for name, array in arrays.items()}
        width = of_row.pop("source_length")
        source_tokens = self._shown(self.source_tokenizer, of_row.pop("source_tokens")[:width])
        for name in ("cut_off", "target_cut_off"):
            of_row.pop(name, None)
        if of_row["score"].ndim == 0:
            of_row = {name: np.asarray(value)[None] for name, value in of_row.items()}
        return [
            Translation(
                text=of_row["translation"][n].decode(),
                score=float(score),
                source_tokens=source_tokens,
                target_tokens=self._shown(
                    self.target_tokenizer, of_row["target_tokens"][n, : of_row["target_length"][n]]
                ),
                target_length=int(of_row["target_length"][n]),
                alignment=(
                    of_row["alignment"][n, : of_row["target_length"][n], :width]
                    if "alignment" in of_row
                    else None
                ),
            )
            for n, score in enumerate(of_row["score"])
            if score > -np.inf
        ]

    @staticmethod
    def _shown(tokenizer: Tokenizer, tokens: Iterable[bytes]) -> tuple[str, ...]:
        return tuple(tokenizer.display(token.decode()) for token in tokens)

    @classmethod
    def ensemble(cls, translators: Sequence[Translator]) -> Translator:
        """Translators that were trained apart as one; see `Ensemble`.

        Args:
            translators: at least one; all of the same tokenizers. `max_source_length` and
                `max_target_length` are those of the first.

        Raises:
            InputError: if there is none, or their tokenizers differ.
        """
        if not translators:
            raise InputError("An ensemble needs at least one translator, got none.")
        first, *others = translators
        for place, other in enumerate(others, 2):
            for side, own, its in zip(
                ("source", "target"), first.tokenizers, other.tokenizers, strict=True
            ):
                if not own.equals(its):
                    raise InputError(
                        f"Translator {place} of the ensemble has another {side} tokenizer than the "
                        "first; train the members with the same tokenizers."
                    )
        return cls(
            Ensemble([translator.model for translator in translators]),
            *first.tokenizers,
            max_source_length=first.max_source_length,
            max_target_length=first.max_target_length,
        )

    def save(self, directory: str | Path) -> None:
        """Write model and tokenizers, for `Translator.load`.

        Args:
            directory: made if it is not there: `model.keras`, `source/`, `target/` and
                `translator.json`.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.model.save(directory / "model.keras")
        self.source_tokenizer.save(directory / "source")
        self.target_tokenizer.save(directory / "target")
        config = {
            "max_source_length": self.max_source_length,
            "max_target_length": self.max_target_length,
        }
        (directory / "translator.json").write_text(json.dumps(config, indent=2) + "\n")

    @classmethod
    def load(cls, directory: str | Path) -> Translator:
        """Read what `save` wrote.

        Raises:
            InputError: if the directory does not hold a translator, or a damaged one.
        """
        directory = Path(directory)
        try:
            config = json.loads((directory / "translator.json").read_text())
            model = keras.saving.load_model(directory / "model.keras")
            tokenizers = [Tokenizer.load(directory / side) for side in ("source", "target")]
            return cls(model, *tokenizers, **config)
        except InputError:
            raise
        except FileNotFoundError as error:
            raise InputError(
                f"No translator in {directory}: {error.filename or error} is missing; pass the "
                "directory that `Translator.save` wrote."
            ) from error
        except _DAMAGED as error:
            raise InputError(
                f"The translator in {directory} cannot be read ({error}); save it again."
            ) from error


class _Source(NamedTuple):
    """Sentences as the encoder reads them.

    Attributes:
        ids: int32 `(batch, source_length)`, each with its `<eos>`, padded with 0.
        tokens: string, of the same shape; empty strings for padding and for empty sentences.
        length: int32 `(batch,)`, `<eos>` included, 0 for an empty sentence.
        empty, cut_off: bool `(batch,)`, whether there is nothing to read, or too much.
    """

    ids: tf.Tensor
    tokens: tf.Tensor
    length: tf.Tensor
    empty: tf.Tensor
    cut_off: tf.Tensor


def run_in_batches(
    function: Callable[..., dict[str, tf.Tensor]],
    sentences: list[str],
    batch_size: int,
    *more: list[str],
    verbose: int = 0,
) -> Iterator[tuple[list[int], dict[str, np.ndarray]]]:
    """Yield the places of a batch's sentences and what `function` puts out for them.

    Args:
        function: of a string tensor `(batch,)`, or of several.
        sentences: its first argument.
        batch_size: how many at a time.
        *more: its other arguments, each as many as the sentences.
        verbose: 1 for a progress bar.
    """
    columns = [
        [utf8(text, position) for position, text in enumerate(texts)]
        for texts in (sentences, *more)
    ]
    # Sentences of like length share a batch, so that little of it is padding.
    order = sorted(range(len(sentences)), key=lambda i: len(columns[0][i]))
    progress = keras.utils.Progbar(len(order), verbose=verbose, unit_name="sentence")
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        outputs = function(*(tf.constant([texts[i] for i in rows]) for texts in columns))
        yield rows, {name: tensor.numpy() for name, tensor in outputs.items()}
        progress.update(start + len(rows))


def append(ragged: tf.RaggedTensor, value, batch_size) -> tf.RaggedTensor:
    """Put `value` behind each row."""
    column = tf.fill([batch_size, 1], tf.constant(value, ragged.dtype))
    return tf.concat([ragged, column], axis=1)
