"""The graph from strings to translations, which `Translator` runs and which exports contain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tf_seq2seq import search
from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.kept import Kept, keeping
from tf_seq2seq.models import Ensemble, Seq2Seq, TranslationModel
from tf_seq2seq.search import GREEDY, SearchOptions, Shortlist
from tf_seq2seq.text import EOS, EOS_ID, PAD_ID, SOS_ID, UNK_ID, Tokenizer
from tf_seq2seq.text_io import TEXT, check_parts, compile_graph, portable_graph, with_end

TARGET = tf.TensorSpec([None], tf.string, "target")
"""The second input of a graph that scores given translations: strings `(batch,)`."""

PREFIX = tf.TensorSpec([None], tf.string, "prefix")
"""The second input of a graph that completes translations: strings `(batch,)`."""

# The outputs for a source sentence, as opposed to those for each of its translations.
_OF_SENTENCES = ("source_tokens", "source_length", "cut_off", "prefix_cut_off")


class TranslationGraph(tf.Module):
    """Normalize, tokenize, encode, search and detokenize, using only TensorFlow operations.

    The methods are to be called within a graph, such as a `tf.function` or an export's signature.

    Args:
        model: a trained `Seq2Seq` or `Ensemble`.
        source_tokenizer, target_tokenizer: the tokenizers that the model was trained with.
        max_source_length: the maximum number of tokens in a source sentence, not counting `<eos>`;
            longer sentences are cut off.
        max_target_length: the maximum number of tokens in a translation, including `<eos>`; longer
            translations are cut off.

        shortlist: a `search.Shortlist` for these tokenizers; None to search in the whole
            vocabulary.

    Raises:
        InputError: if a limit is invalid, the size of a tokenizer's vocabulary is not the one that
            the model was built for, or the shortlist is for other vocabularies.
    """

    def __init__(
        self,
        model: Seq2Seq | Ensemble,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        *,
        max_source_length: int = 100,
        max_target_length: int = 100,
        shortlist: Shortlist | None = None,
    ):
        super().__init__()
        check_parts(
            model,
            TranslationModel,
            "Seq2Seq",
            source_tokenizer=source_tokenizer,
            target_tokenizer=target_tokenizer,
        )
        for side, tokenizer, size in (
            ("source", source_tokenizer, model.source_vocabulary_size),
            ("target", target_tokenizer, model.target_vocabulary_size),
        ):
            if tokenizer.vocabulary_size != size:
                raise InputError(
                    f"The {side} tokenizer has {tokenizer.vocabulary_size} tokens, but the model "
                    f"was built for {size}; pass the tokenizer that the model was trained with, "
                    "and change it with `Translator.with_tokenizers`."
                )
        self.model = model
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.max_source_length = check_integer("max_source_length", max_source_length, minimum=1)
        self.max_target_length = check_integer("max_target_length", max_target_length, minimum=1)
        self.shortlist = self._checked(shortlist)
        # TensorFlow would try to save a dict that is an attribute, and refuse these keys.
        self._compiled: dict[tuple, Callable] = self._no_dependency({})
        # Weights that were cast once for all graphs; None to cast them in each call, so that the
        # graphs follow the training of the model.
        self.kept: Kept | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Compiled graphs and TensorFlow's attributes cannot be pickled or copied.
        names = ("model", "source_tokenizer", "target_tokenizer")
        return {name: getattr(self, name) for name in names} | self._options

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @property
    def _default_save_signature(self) -> tf.types.experimental.PolymorphicFunction:
        """The signature `serving_default` that `tf.saved_model.save(translator, path)` writes."""
        return portable_graph(self.graph, TEXT)

    @property
    def aligns(self) -> bool:
        """Whether the model has attention, so that translations have an alignment."""
        return self.model.aligns

    @property
    def _options(self) -> dict[str, Any]:
        """The keyword arguments of the constructor."""
        names = ("max_source_length", "max_target_length", "shortlist")
        return {name: getattr(self, name) for name in names}

    @property
    def tokenizers(self) -> list[Tokenizer]:
        """Both tokenizers, whose lookup tables must be part of an export."""
        return [self.source_tokenizer, self.target_tokenizer]

    def graph(
        self, text: tf.Tensor, options: SearchOptions = GREEDY, prefix: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Translate sentences.

        Args:
            text: string `(batch,)`; the batch may be empty.
            options: how to search.
            prefix: string `(batch,)`, with what each translation must begin; see
                `Translator.complete`. None if it may begin with anything.

        Returns:
            For the best hypothesis of each sentence:

            - `translation`: string `(batch,)`,
            - `score`: float32 `(batch,)`, its log probability in nats,
            - `source_tokens`: string `(batch, source_length)`, without the tokenizer's markers,
              padded with empty strings,
            - `source_length`: int32 `(batch,)`, including `<eos>`; 0 for an empty sentence,
            - `target_tokens`: string `(batch, target_length)`, in the same form,
            - `target_length`: int32 `(batch,)`, including `<eos>`; 0 for an empty sentence,
            - `cut_off`: bool `(batch,)`, whether the source was longer than `max_source_length`,
            - `prefix_cut_off`: bool `(batch,)`, whether the prefix was longer than
              `max_target_length`; only with a prefix,
            - `alignment`: float32 `(batch, target_length, source_length)`, padded with zeros;
              only for a model with attention.

        Raises:
            InputError: if an option needs attention and the model has none.
        """
        outputs = self.n_best_graph(text, options, prefix)
        return {
            name: value if name in _OF_SENTENCES else value[:, 0] for name, value in outputs.items()
        }

    def n_best_graph(
        self, text: tf.Tensor, options: SearchOptions, prefix: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Find the `n_best` best translations of each sentence, best first.

        Args:
            text, options, prefix: as for `graph`.

        Returns:
            The same as `graph`, but `translation`, `score`, `target_tokens`, `target_length` and
            `alignment` have a second dimension, `n_best`. If there are fewer hypotheses, the rest
            have a score of minus infinity and a length of 0.

        Raises:
            InputError: if an option needs attention and the model has none.
        """
        self._check(options)
        source = self._read(text)
        begun = None if prefix is None else self._read_prefix(prefix, source)
        found = self._search(source, options, begun)
        ids, lengths, scores, alignment = found
        tokens = self.target_tokenizer.id_to_token(ids)
        if options.replace_unknown:
            tokens = tf.where(ids == UNK_ID, self._most_attended(source, alignment), tokens)
        if begun is not None:
            tokens = _begin_with(begun.tokens, ids, tokens)
        # The tokenizer takes rows, so merge the dimensions of the batch and the hypotheses.
        batch_size, n_best, length = tf.unstack(tf.shape(ids))
        rows = [batch_size * n_best, length]
        text = self._text_of(tf.reshape(ids, rows), tf.reshape(tokens, rows))
        result = {
            "translation": tf.reshape(text, [batch_size, n_best]),
            "score": scores,
            **self._source_outputs(source),
            "target_tokens": self._displayed(ids, tokens),
            "target_length": lengths,
        }
        if begun is not None:
            result["prefix_cut_off"] = begun.cut_off
        if self.aligns:
            result["alignment"] = alignment
        return result

    def score_graph(self, text: tf.Tensor, target: tf.Tensor) -> dict[str, tf.Tensor]:
        """Score given translations by forced decoding.

        Args:
            text: string `(batch,)`; the batch may be empty.
            target: string `(batch,)`, a translation of each sentence.

        Returns:
            The same as `graph`, for the given translations, and `target_cut_off`: bool `(batch,)`,
            whether the translation was longer than `max_target_length`.
        """
        source = self._read(text)
        # Reject a batch of a different size here; later it might be broadcast over the sentences.
        target = tf.reshape(tf.ensure_shape(target, [None]), tf.shape(text))
        tokens = self.target_tokenizer.tokenize(target)
        cut_off = tokens.row_lengths() > self.max_target_length - 1
        tokens = tokens[:, : self.max_target_length - 1]
        ids = with_end(self.target_tokenizer.token_to_id(tokens), EOS_ID, PAD_ID)
        # An empty source has an empty translation with probability 1.
        certain = source.empty & (tokens.row_lengths() == 0)
        ids = tf.where(certain[:, None], PAD_ID, ids)
        with keeping(self.kept):
            state, memory = self.model.encode(source.ids)
            step = self.model.stepper()
        found = search.forced(
            lambda ids, state: step(ids, state, memory), state, ids, aligned=self.aligns
        )
        tokens = self.target_tokenizer.id_to_token(ids)
        result = {
            "translation": self._text_of(ids, tokens),
            "score": found.scores,
            **self._source_outputs(source),
            "target_cut_off": cut_off,
            "target_tokens": self._displayed(ids, tokens),
            "target_length": found.lengths,
        }
        if self.aligns:
            result["alignment"] = found.alignment
        return result

    def encode_graph(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encode sentences.

        Args:
            text: string `(batch,)`; the batch may be empty.

        Returns:
            `context`: float32 `(batch, units)`, `c = h_T`; zero for an empty sentence.
        """
        source = self._read(text)
        with keeping(self.kept):
            context = tf.cast(self.model.context(source.ids), tf.float32)
        return {"context": tf.where(source.empty[:, None], 0.0, context)}

    def compiled(
        self, options: SearchOptions | None, completes: bool = False
    ) -> Callable[..., dict[str, tf.Tensor]]:
        """Return `n_best_graph` compiled for these options, or `score_graph` for None.

        There is one graph for all batches. The outputs of `score_graph` get a second dimension of 1
        where those of `n_best_graph` have `n_best`. Equal options return the same function.

        Args:
            options: how to search, or None.
            completes: whether `n_best_graph` takes a prefix.

        Raises:
            InputError: if an option needs attention and the model has none.
        """
        key = options, completes
        if key not in self._compiled:
            if options is None:
                single = (*_OF_SENTENCES, "target_cut_off")

                def score(text, target):
                    outputs = self.score_graph(text, target)
                    return {n: v if n in single else v[:, None] for n, v in outputs.items()}

                self._compiled[key] = compile_graph(score, TEXT, TARGET)
            else:
                # Check before tracing, because errors during tracing are hard to read.
                self._check(options)
                self._compiled[key] = compile_graph(
                    lambda text, prefix=None: self.n_best_graph(text, options, prefix),
                    *((TEXT, PREFIX) if completes else (TEXT,)),
                )
        return self._compiled[key]

    def _checked(self, shortlist: Any) -> Shortlist | None:
        """Return a shortlist if it fits the model and the tokenizers."""
        if shortlist is None:
            return None
        if not isinstance(shortlist, Shortlist):
            raise InputError(f"`shortlist` must be a Shortlist or None, got {shortlist!r}.")
        shortlist.check_tokenizers(*self.tokenizers)
        if not getattr(self.model, "takes_candidates", False):
            raise InputError(
                f"The `stepper` of the model, a {type(self.model).__name__}, does not take "
                "`candidates`, which a search with a shortlist needs: leave out `shortlist`."
            )
        return shortlist

    def _check(self, options: SearchOptions) -> None:
        """Reject options that need attention if the model has none."""
        for name in ("coverage_penalty", "replace_unknown"):
            if getattr(options, name) and not self.aligns:
                raise InputError(
                    f"`{name}` needs attention weights, which this model does not have; leave it "
                    "out."
                )

    def _search(self, source: _Source, options: SearchOptions, begun: _Prefix | None) -> _Found:
        prefix = None if begun is None else begun.ids
        finished = source.empty if begun is None else source.empty & begun.empty
        candidates = None
        if self.shortlist is not None:
            candidates = self.shortlist.candidates(source.ids, prefix)
        chosen = {} if candidates is None else {"candidates": candidates.ids}
        with keeping(self.kept):
            state, memory = self.model.encode(source.ids)
            step = self.model.stepper(options.beam_width, **chosen)
        if candidates is None:
            return self._found(step, state, memory, source, finished, options, prefix)
        options = options.replace(constraints=candidates.constraints(options.constraints))
        if prefix is not None:
            prefix = tf.gather(candidates.places, prefix)
        memory = memory, candidates.mask
        found = self._found(step, state, memory, source, finished, options, prefix)
        return found._replace(ids=tf.gather(candidates.ids, found.ids))

    def _found(self, step, state, memory, source, finished, options, prefix) -> _Found:
        """Search with a step function of the model, and return the ids that it knows."""
        batch_size, width = tf.shape(source.ids)[0], options.beam_width
        common = {
            "memory": memory,
            "aligned": self.aligns,
            "finished": finished,
            "constraints": options.constraints,
        }
        if prefix is not None:
            common["prefix"] = prefix
        if width == 1:
            greedy = search.greedy(step, state, batch_size, self.max_target_length, **common)
            return _Found(*(None if each is None else each[:, None] for each in greedy))
        beam = search.beam(
            step,
            state,
            batch_size,
            self.max_target_length,
            width=width,
            n_best=options.n_best,
            length_penalty=options.length_penalty,
            coverage_penalty=options.coverage_penalty,
            source_mask=source.ids != PAD_ID,
            **common,
        )
        return _Found(beam.ids, beam.lengths, beam.log_probabilities, beam.alignment)

    def _read(self, text: tf.Tensor) -> _Source:
        # TF Serving does not check the rank, and a scalar would crash a TF-Text kernel.
        text = tf.ensure_shape(text, [None])
        tokens = self.source_tokenizer.tokenize(text)
        cut_off = tokens.row_lengths() > self.max_source_length
        tokens = tokens[:, : self.max_source_length]
        empty = tokens.row_lengths() == 0
        ids = with_end(self.source_tokenizer.token_to_id(tokens), EOS_ID, PAD_ID)
        shown = with_end(tokens, EOS, "")
        length = tf.where(empty, 0, tf.cast(tokens.row_lengths() + 1, tf.int32))
        return _Source(ids, tf.where(empty[:, None], "", shown), length, empty, cut_off)

    def _read_prefix(self, prefix: tf.Tensor, source: _Source) -> _Prefix:
        # Reject a batch of a different size here; later it might be broadcast over the sentences.
        prefix = tf.reshape(tf.ensure_shape(prefix, [None]), tf.shape(source.empty))
        tokens = self.target_tokenizer.tokenize(prefix)
        cut_off = tokens.row_lengths() > self.max_target_length
        tokens = tokens[:, : self.max_target_length]
        empty = tokens.row_lengths() == 0
        # Nothing can follow the prefix if the source is empty.
        ends = tf.fill([tf.size(empty), 1], EOS_ID)
        ends = tf.ragged.boolean_mask(ends, (source.empty & ~empty)[:, None])
        ids = tf.concat([self.target_tokenizer.token_to_id(tokens), ends], axis=1)
        return _Prefix(
            ids.to_tensor(default_value=PAD_ID), tokens.to_tensor(default_value=""), empty, cut_off
        )

    def _source_outputs(self, source: _Source) -> dict[str, tf.Tensor]:
        return {
            "source_tokens": self.source_tokenizer.display_graph(source.tokens),
            "source_length": source.length,
            "cut_off": source.cut_off,
        }

    def _displayed(self, ids: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        return tf.where(ids != PAD_ID, self.target_tokenizer.display_graph(tokens), "")

    def _text_of(self, ids: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        """Return the text of tokens `(rows, length)`, leaving out control tokens."""
        kept = (ids != PAD_ID) & (ids != SOS_ID) & (ids != EOS_ID)
        return self.target_tokenizer.detokenize(tf.ragged.boolean_mask(tokens, kept))

    def _most_attended(self, source: _Source, alignment: tf.Tensor) -> tf.Tensor:
        """Return the source word with the largest attention weight for each target token.

        Args:
            source: the sentences.
            alignment: `(batch, n, target_length, source_length)`.

        Returns:
            string `(batch, n, target_length)`.
        """
        # Never copy <eos>.
        is_word = tf.sequence_mask(source.length - 1, tf.shape(alignment)[3], tf.float32)
        place = tf.argmax(alignment * is_word[:, None, None], axis=3, output_type=tf.int32)
        return tf.gather(self._words(source), place, batch_dims=1)

    def _words(self, source: _Source) -> tf.Tensor:
        """Return the word that each source token is part of: string `(batch, source_length)`."""
        inside = tf.sequence_mask(source.length - 1, tf.shape(source.tokens)[1])
        rows = tf.ragged.boolean_mask(source.tokens, inside)
        starts = self.source_tokenizer.starts_word(rows.values)
        # The first token of a sentence always starts a word.
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


class _Source(NamedTuple):
    """Source sentences as the encoder reads them.

    Attributes:
        ids: int32 `(batch, source_length)`, each row with its `<eos>`, padded with 0.
        tokens: string `(batch, source_length)`, empty strings for padding and empty sentences.
        length: int32 `(batch,)`, including `<eos>`; 0 for an empty sentence.
        empty: bool `(batch,)`, True for a text without tokens.
        cut_off: bool `(batch,)`, whether there were too many tokens.
    """

    ids: tf.Tensor
    tokens: tf.Tensor
    length: tf.Tensor
    empty: tf.Tensor
    cut_off: tf.Tensor


class _Prefix(NamedTuple):
    """The beginnings of translations.

    Attributes:
        ids: int32 `(batch, length)`, padded with 0; with `<eos>` if the source is empty.
        tokens: string `(batch, length)`, padded with empty strings.
        empty: bool `(batch,)`, True for a text without tokens.
        cut_off: bool `(batch,)`, whether there were too many tokens.
    """

    ids: tf.Tensor
    tokens: tf.Tensor
    empty: tf.Tensor
    cut_off: tf.Tensor


def _begin_with(given: tf.Tensor, ids: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Return the tokens of translations with those of the prefix as they were given.

    Otherwise, a word of the prefix that is not in the vocabulary would become `<unk>`.

    Args:
        given: string `(batch, prefix_length)`, padded with empty strings.
        ids, tokens: of the translations, `(batch, n, length)`.
    """
    length = tf.shape(ids)[2]
    given = given[:, :length]
    given = tf.pad(given, [[0, 0], [0, length - tf.shape(given)[1]]])[:, None]
    return tf.where((given != "") & (ids != PAD_ID), given, tokens)


class _Found(NamedTuple):
    """The results of a search, each `(batch, n_best, ...)`: see `search.Hypotheses`."""

    ids: tf.Tensor
    lengths: tf.Tensor
    log_probabilities: tf.Tensor
    alignment: tf.Tensor | None
