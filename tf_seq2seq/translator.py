"""The translator: strings in, translations out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Unpack

import numpy as np

from tf_seq2seq.data import WordVectors
from tf_seq2seq.errors import InputError
from tf_seq2seq.models import Ensemble
from tf_seq2seq.models.precision import in_precision
from tf_seq2seq.models.vocabulary_change import VocabularyChange, with_vocabularies
from tf_seq2seq.search import GREEDY, SearchOptions, Shortlist
from tf_seq2seq.search.options import SearchKeywords, check_options
from tf_seq2seq.strings import Texts, check_not_one_string, check_pairs, check_score, listed
from tf_seq2seq.text import Tokenizer
from tf_seq2seq.text_io import (
    BATCH_SIZE,
    check_tokenizer,
    explain_damage,
    load_files,
    read_settings,
    run_in_batches,
    save_files,
    warn_of_cut_offs,
)
from tf_seq2seq.translation import Translation
from tf_seq2seq.translation_graph import TranslationGraph

_NOUN = "translator"
_SHORTLIST = "shortlist.npz"


class SavedCard(NamedTuple):
    """What `Translator.save` wrote about a translator, for those who export it.

    Attributes:
        card: facts for the model card.
        sentences: typical source sentences.
    """

    card: dict[str, Any]
    sentences: list[str]


class Translator(TranslationGraph):
    """Translate strings with a model and its tokenizers.

    Each combination of search options runs as one compiled graph. A translation does not depend on
    the other sentences in its batch. An empty sentence has an empty translation with probability 1.
    Invalid UTF-8 becomes U+FFFD.

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

    Example:

    >>> tokenizer = s2s.text.WordTokenizer()
    >>> tokenizer.adapt(["a b c"])
    >>> size = tokenizer.vocabulary_size
    >>> model = s2s.Seq2Seq(s2s.Encoder(size, 8), s2s.Decoder(size, 8, feeding="initial_state"))
    >>> translator = s2s.Translator(model, tokenizer, tokenizer, max_target_length=5)
    >>> translation = translator("a c")[0]
    >>> translation.source_tokens
    ('a', 'c', '<eos>')
    >>> translation.score == translator.n_best("a c", beam_width=1)[0][0].score
    True
    """

    def __call__(
        self,
        sentences: Texts,
        batch_size: int = BATCH_SIZE,
        verbose: int = 0,
        *,
        options: SearchOptions = GREEDY,
        **keywords: Unpack[SearchKeywords],
    ) -> list[Translation]:
        """Translate sentences.

        Args:
            sentences: one string, or any iterable of them. Bytes are UTF-8.
            batch_size: the number of sentences in a batch.
            verbose: 1 for a progress bar.
            options: how to search.
            **keywords: search options, which replace those in `options` and in its constraints:
                `translator(sentences, beam_width=5, no_repeat_ngram=3)`. See `SearchOptions` and
                `search.Constraints`.

        Returns:
            A `Translation` for each sentence, in the same order.

        Raises:
            TypeError: if a sentence is not a string or bytes, or if there is no such option.
            InputError: if an option is invalid, if it needs attention weights and the model has
                none, or if the model's weights are not finite.

        Warns:
            UserWarning: for each sentence that was cut off at `max_source_length`.
        """
        translate = self.compiled(check_options("options", options).replace(**keywords))
        return [best for best, *_ in self._run(translate, listed(sentences), batch_size, verbose)]

    def n_best(
        self,
        sentences: Texts,
        batch_size: int = BATCH_SIZE,
        verbose: int = 0,
        *,
        options: SearchOptions = GREEDY,
        **keywords: Unpack[SearchKeywords],
    ) -> list[list[Translation]]:
        """Find several translations of each sentence.

        Args:
            sentences, batch_size, verbose, options: as for a call.
            **keywords: as for a call; set `beam_width` and `n_best`.

        Returns:
            For each sentence, its `n_best` translations, best first, or all if there are fewer.

        Raises, Warns:
            As for a call.
        """
        translate = self.compiled(check_options("options", options).replace(**keywords))
        return self._run(translate, listed(sentences), batch_size, verbose)

    def complete(
        self,
        sentences: Texts,
        prefixes: Texts,
        batch_size: int = BATCH_SIZE,
        verbose: int = 0,
        *,
        options: SearchOptions = GREEDY,
        **keywords: Unpack[SearchKeywords],
    ) -> list[Translation]:
        """Translate sentences, continuing from given beginnings of the translations.

        The tokens of a prefix come first, and the search finds those that follow. A prefix is
        tokenized by itself, and its last token is complete: the next one can be a piece that
        continues its word, but does not replace it. The text of a result begins with the prefix,
        normalized by the tokenizer. A word of the prefix that is not in the vocabulary is read as
        `<unk>`, and kept. With an empty prefix, the result is the translation. For an empty
        sentence, it is the prefix.

        Args:
            sentences: one string, or any iterable of them. Bytes are UTF-8.
            prefixes: the beginning of each translation, which may be empty.
            batch_size, verbose, options: as for a call. Constraints and `replace_unknown` apply
                after the prefix.
            **keywords: as for a call.

        Returns:
            A `Translation` for each sentence. Its score, tokens and alignment include the prefix.

        Raises:
            TypeError: if a sentence or a prefix is not a string or bytes, or if an option does not
                exist.
            InputError: if the numbers of sentences and prefixes differ, or as for a call.

        Warns:
            UserWarning: for each sentence and each prefix that was cut off at `max_source_length`
                or `max_target_length`. Nothing is added to such a prefix.

        Source: Foster et al. 1997, "Target-Text Mediated Interactive Machine Translation".
        """
        complete = self.compiled(check_options("options", options).replace(**keywords), True)
        sentences, prefixes = listed(sentences), listed(prefixes)
        check_pairs(sentences, prefixes, "prefix", "complete")
        found = self._run(complete, sentences, batch_size, verbose, prefixes=prefixes)
        return [best for best, *_ in found]

    def complete_n_best(
        self,
        sentences: Texts,
        prefixes: Texts,
        batch_size: int = BATCH_SIZE,
        verbose: int = 0,
        *,
        options: SearchOptions = GREEDY,
        **keywords: Unpack[SearchKeywords],
    ) -> list[list[Translation]]:
        """Find several translations of each sentence that continue from a given beginning.

        Args:
            sentences, prefixes, batch_size, verbose, options: as for `complete`.
            **keywords: as for `complete`; set `beam_width` and `n_best`.

        Returns:
            For each sentence, its `n_best` translations, best first, or all if there are fewer.

        Raises, Warns:
            As for `complete`.
        """
        complete = self.compiled(check_options("options", options).replace(**keywords), True)
        sentences, prefixes = listed(sentences), listed(prefixes)
        check_pairs(sentences, prefixes, "prefix", "complete")
        return self._run(complete, sentences, batch_size, verbose, prefixes=prefixes)

    def score(
        self, sentences: Texts, translations: Texts, batch_size: int = BATCH_SIZE, verbose: int = 0
    ) -> list[Translation]:
        """Score given translations, and align them with their sources.

        Args:
            sentences: one string, or any iterable of them. Bytes are UTF-8.
            translations: a translation of each sentence.
            batch_size: the number of pairs in a batch.
            verbose: 1 for a progress bar.

        Returns:
            A `Translation` for each pair. Its text is the given translation, normalized by the
            tokenizer.

        Raises:
            TypeError: if a sentence or translation is not a string or bytes.
            InputError: if the numbers of sentences and translations differ, or if the model's
                weights are not finite.

        Warns:
            UserWarning: for each sentence and each translation that was cut off at
                `max_source_length` or `max_target_length`.
        """
        sentences, translations = listed(sentences), listed(translations)
        check_pairs(sentences, translations)
        pairs = self._run(self.compiled(None), sentences, batch_size, verbose, translations)
        return [pair for (pair,) in pairs]

    def in_precision(self, precision: str) -> Translator:
        """Return a copy that computes its matrix products in another precision.

        On a CPU with instructions for bfloat16 (AVX512_BF16 or AMX), batches are translated faster
        in bfloat16, and hardly any translation changes: compare the BLEU of both with
        `tf-seq2seq-evaluate --precision`. A single sentence takes as long as before. The copy casts
        its weights once, so it does not follow further training.

        Args:
            precision: `"float32"` or `"bfloat16"`.

        Raises:
            InputError: if the precision is unknown.
        """
        copy = type(self)(in_precision(self.model, precision), *self.tokenizers, **self._options)
        copy.kept = copy._no_dependency({})
        return copy

    def with_shortlist(self, shortlist: Shortlist | None) -> Translator:
        """Return a copy with the same model that searches among the words of a shortlist.

        Only the logits of a sentence's candidates are computed, which is faster and finds slightly
        different translations: compare the BLEU of both with `tf-seq2seq-evaluate --shortlist`. The
        score of a translation is its log probability among the candidates, and thus a little
        higher. `score` does not use the shortlist: it returns the model's log probability of any
        translation.

        Args:
            shortlist: from `search.Shortlist.learn`; None to search in the whole vocabulary.

        Raises:
            InputError: if the shortlist is for other vocabularies than those of the tokenizers, or
                if the model cannot search with a shortlist.

        Example:

        >>> pairs = s2s.data.Pairs(["a b c"], ["a b c"])
        >>> tokenizer = s2s.text.WordTokenizer()
        >>> tokenizer.adapt(pairs.source)
        >>> size = tokenizer.vocabulary_size
        >>> model = s2s.Seq2Seq(s2s.Encoder(size, 8), s2s.Decoder(size, 8))
        >>> translator = s2s.Translator(model, tokenizer, tokenizer)
        >>> shortlist = s2s.search.Shortlist.learn(pairs, tokenizer, tokenizer, per_word=2)
        >>> fast = translator.with_shortlist(shortlist)
        """
        copy = type(self)(self.model, *self.tokenizers, **{**self._options, "shortlist": shortlist})
        copy.kept = copy._no_dependency(self.kept)
        return copy

    def with_tokenizers(
        self,
        source_tokenizer: Tokenizer | None = None,
        target_tokenizer: Tokenizer | None = None,
        *,
        rule: str = "pieces",
        seed: int = 0,
        source_vectors: WordVectors | None = None,
        target_vectors: WordVectors | None = None,
        report: Callable[[str], Any] | None = None,
    ) -> Translator:
        """Return a copy with another vocabulary on one side or both, to train on other sentences.

        Tokens that the old vocabulary has keep their embeddings, and on the target side the weights
        and biases of their logits, bit for bit; so do all other weights. New tokens start from the
        mean of their pieces, or from known tokens whose pretrained vectors are similar: see
        `models.VocabularyChange`. This translator does not change. The model of the copy is not
        compiled: compile it before training, which starts with a new optimizer state.

        Args:
            source_tokenizer, target_tokenizer: tokenizers with a vocabulary; None to keep the
                tokenizer of a side.
            rule: `"pieces"` or `"random"`, what new tokens without a vector start from.
            seed: for new tokens that start from random numbers.
            source_vectors, target_vectors: pretrained vectors, from `data.read_word_vectors` for
                the new tokenizer of the side; None for none.
            report: called with one line about each new vocabulary, for example `print`.

        Raises:
            InputError: if no tokenizer is given, if the translator has a shortlist, if an argument
                is invalid, if a side has vectors but no new tokenizer, if the model is not a
                `Seq2Seq` or an `Ensemble`, or if no token of a new vocabulary can be mapped.

        Example:

        >>> tokenizer, larger = s2s.text.WordTokenizer(), s2s.text.WordTokenizer()
        >>> tokenizer.adapt(["old book"]); larger.adapt(["old book", "bookshelf"])
        >>> model = s2s.Seq2Seq(
        ...     s2s.Encoder(tokenizer.vocabulary_size, 8), s2s.Decoder(tokenizer.vocabulary_size, 8)
        ... )
        >>> translator = s2s.Translator(model, tokenizer, tokenizer)
        >>> changed = translator.with_tokenizers(larger, report=print)
        Source: 7 tokens: 6 known, 0 from pieces, 1 random
        >>> changed.model.source_vocabulary_size, changed.model.target_vocabulary_size
        (7, 6)
        """
        given = {
            "source": (source_tokenizer, source_vectors),
            "target": (target_tokenizer, target_vectors),
        }
        if source_tokenizer is None and target_tokenizer is None:
            raise InputError("Pass a `source_tokenizer`, a `target_tokenizer`, or both.")
        if self.shortlist is not None:
            raise InputError(
                "The shortlist of this translator is for its own vocabularies: use "
                "`with_shortlist(None)` first, and learn another one for the copy."
            )
        changes: list[VocabularyChange | None] = []
        for (side, (new, vectors)), old in zip(given.items(), self.tokenizers, strict=True):
            if new is None:
                if vectors is not None:
                    raise InputError(f"`{side}_vectors` need a `{side}_tokenizer`: pass it too.")
                changes.append(None)
                continue
            check_tokenizer(f"{side}_tokenizer", new)
            changes.append(VocabularyChange(old, new, rule, seed, vectors))
            if report is not None:
                report(f"{side.capitalize()}: {changes[-1]}")
        return type(self)(
            with_vocabularies(self.model, *changes),
            source_tokenizer or self.source_tokenizer,
            target_tokenizer or self.target_tokenizer,
            **self._options,
        )

    @classmethod
    def ensemble(cls, translators: Iterable[Translator]) -> Translator:
        """Combine translators that were trained separately: see `Ensemble`.

        Args:
            translators: at least one, all with the same tokenizers. The first one determines the
                maximum lengths and the shortlist.

        Raises:
            InputError: if there are no translators, or their tokenizers differ.
        """
        translators = list(translators)
        if not translators:
            raise InputError("An ensemble needs at least one translator, got none.")
        first, *others = translators
        for place, other in enumerate(others, 2):
            for side, ours, theirs in zip(
                ("source", "target"), first.tokenizers, other.tokenizers, strict=True
            ):
                if not ours.equals(theirs):
                    raise InputError(
                        f"The {side} tokenizers of translators 1 and {place} of the ensemble "
                        "differ; train the members with the same tokenizers."
                    )
        return cls(
            Ensemble([translator.model for translator in translators]),
            *first.tokenizers,
            **first._options,
        )

    def save(
        self,
        directory: str | Path,
        *,
        card: Mapping[str, Any] | None = None,
        sentences: Iterable[str] = (),
    ) -> None:
        """Write the model and the tokenizers, for `Translator.load`.

        If the call is interrupted, an existing translator in the directory stays intact.

        Args:
            directory: created if it does not exist. The files are `model.keras`, `source/`,
                `target/`, `translator.json`, and `shortlist.npz` if there is a shortlist.
            card: facts for the model card of an export: what the model was trained on as `data`,
                `languages` and `metric` (see `serving.export`).
            sentences: typical source sentences, of which an export makes its warm-up requests.

        Raises:
            OSError: if the disk is full or the directory cannot be written to.
            TypeError: if the card contains something that JSON cannot represent, or `sentences` is
                a single string.
        """
        check_not_one_string("sentences", sentences)
        parts: dict[str, Any] = {"source": self.source_tokenizer, "target": self.target_tokenizer}
        settings = self._options
        if (shortlist := settings.pop("shortlist")) is not None:
            parts[_SHORTLIST] = shortlist
            settings["shortlist"] = _SHORTLIST
        facts = {"card": dict(card or {}), "sentences": list(sentences)}
        save_files(directory, _NOUN, self.model, parts, settings | facts)

    @classmethod
    def load(cls, directory: str | Path) -> Translator:
        """Read a translator that `save` wrote.

        Args:
            directory: the directory that was passed to `save`.

        Raises:
            InputError: if the directory does not contain a translator, or if it is damaged.
        """
        directory = Path(directory)
        with explain_damage(directory, _NOUN, "Translator.save"):
            model, tokenizers, settings = load_files(directory, _NOUN, ["source", "target"])
            options = {name: settings[name] for name in settings.keys() - SavedCard._fields}
            if "shortlist" in options:
                options["shortlist"] = Shortlist.load(directory / _SHORTLIST)
            return cls(model, *tokenizers, **options)

    @staticmethod
    def load_card(directory: str | Path) -> SavedCard:
        """Read the facts and the sentences that were passed to `save`.

        Args:
            directory: the directory that was passed to `save`.

        Raises:
            InputError: if the directory does not contain a translator, or if it is damaged.
        """
        directory = Path(directory)
        with explain_damage(directory, _NOUN, "Translator.save"):
            settings = read_settings(directory, _NOUN)
            return SavedCard(settings.get("card", {}), settings.get("sentences", []))

    def _run(
        self,
        function: Callable,
        sentences: list[str | bytes],
        batch_size: int,
        verbose: int,
        translations: list[str | bytes] | None = None,
        prefixes: list[str | bytes] | None = None,
    ) -> list[list[Translation]]:
        """Call a graph in batches, and return the translations of each sentence.

        Call it only from public methods: the stack level of its warnings depends on that.
        """
        results: list[list[Translation]] = [[]] * len(sentences)
        more = [texts for texts in (translations, prefixes) if texts is not None]
        for rows, outputs in run_in_batches(
            function, sentences, batch_size, *more, verbose=verbose
        ):
            for row, i in enumerate(rows):
                check_score("sentence", i, sentences[i], outputs["score"][row, 0])
                results[i] = self._unpack(outputs, row)
            limit = f"max_source_length={self.max_source_length}"
            warn_of_cut_offs("Sentence", sentences, rows, outputs["cut_off"], limit, 3)
            if translations is not None:
                limit = f"max_target_length={self.max_target_length}"
                cut_off = outputs["target_cut_off"]
                warn_of_cut_offs("Translation", translations, rows, cut_off, limit, 3)
            if prefixes is not None:
                limit = f"max_target_length={self.max_target_length}"
                cut_off = outputs["prefix_cut_off"]
                warn_of_cut_offs("Prefix", prefixes, rows, cut_off, limit, 3)
        return results

    def _unpack(self, outputs: dict[str, np.ndarray], row: int) -> list[Translation]:
        """Return the translations of one row of a batch."""
        width = outputs["source_length"][row]
        source_tokens = _decoded(outputs["source_tokens"][row, :width])
        translations = []
        for n in np.flatnonzero(outputs["score"][row] > -np.inf):
            height = int(outputs["target_length"][row, n])
            alignment = outputs["alignment"][row, n, :height, :width] if self.aligns else None
            target_tokens = outputs["target_tokens"][row, n, :height]
            translations.append(
                Translation(
                    text=outputs["translation"][row, n].decode(),
                    score=float(outputs["score"][row, n]),
                    source_tokens=source_tokens,
                    target_tokens=_decoded(target_tokens),
                    alignment=alignment,
                    target_length=height,
                )
            )
        return translations


def _decoded(tokens: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(token.decode() for token in tokens)
