"""Translate files and score the translations, for `tf-seq2seq-evaluate`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from tf_seq2seq import evaluation
from tf_seq2seq.cli.evaluate import Settings
from tf_seq2seq.cli.lines import translate_lines
from tf_seq2seq.data import Pairs, read_parallel
from tf_seq2seq.errors import InputError
from tf_seq2seq.serving.saved import SavedTranslator
from tf_seq2seq.serving.versions import list_versions
from tf_seq2seq.translation import Translation


def measure(settings: Settings) -> evaluation.TranslationReport | evaluation.ReportTable:
    """Translate the sources and score the translations.

    Returns:
        The report of one file, or a table of several.

    Raises:
        InputError: if a file or the model is missing or cannot be read, if the files do not have
            the same number of lines, or if an option is invalid or does not fit the model.
    """
    sets = _read(settings)
    # Report a wrong name before translating, not after.
    if settings.tokenize is not None:
        evaluation.bleu_metric(settings.tokenize)
    translate, score = _open(settings)
    sources = [source for pairs in sets.values() for source in pairs.source]
    references = [reference for pairs in sets.values() for reference in pairs.target]
    hypotheses = translate_lines(translate, sources, settings.output, settings.batch_size)
    scored = [] if score is None else score(sources, references, settings.batch_size)

    def report(rows: slice, tokenize: str | None) -> evaluation.TranslationReport:
        return evaluation.translation_report(
            hypotheses[rows],
            references[rows],
            sources[rows],
            tokenize,
            settings.lowercase,
            settings.bootstrap,
            _perplexity(scored[rows]),
        )

    together = report(slice(None), settings.tokenize)
    if len(sets) == 1:
        return together
    tokenize = settings.tokenize or evaluation.tokenize_for(references)  # the same for all files
    reports, first = {}, 0
    for name, pairs in sets.items():
        reports[name] = report(slice(first, first + len(pairs)), tokenize)
        first += len(pairs)
    return evaluation.ReportTable(reports, together)


def _read(settings: Settings) -> dict[str, Pairs]:
    """Return the sentences and references by the name of the source file."""
    sources, references = settings.source.split(","), settings.reference.split(",")
    if len(sources) != len(references):
        raise InputError(
            f"There are {len(sources)} files in --source and {len(references)} in --reference: "
            "pass one file of references for each file of sources."
        )
    if len(set(sources)) < len(sources):
        raise InputError(f"--source names a file twice ({settings.source}): pass each file once.")
    files = zip(sources, references, strict=True)
    return {source: read_parallel(source, reference) for source, reference in files}


def _open(settings: Settings) -> tuple[Callable[..., list], Callable[..., list] | None]:
    """Return a function that translates, and one that scores, or None if the model cannot score."""
    if (settings.model / "translator.json").is_file():
        if settings.beam:
            raise InputError(
                f"--beam is for a SavedModel, and {settings.model} is a translator: pass "
                "--beam-width."
            )
        translator = settings.load(settings.model)
        return functools.partial(translator, options=settings.options()), translator.score
    if not (list_versions(settings.model) or (settings.model / "saved_model.pb").is_file()):
        raise InputError(
            f"There is neither a saved translator nor a SavedModel in {settings.model}: pass a "
            "folder with translator.json, or one to which a model was exported."
        )
    if given := settings.given():
        raise InputError(
            f"The search of the SavedModel {settings.model} was set when it was exported, so "
            f"--{next(iter(given)).replace('_', '-')} cannot change it: pass --beam for its beam "
            "search, or the folder of the translator that was exported."
        )
    for name in ("precision", "shortlist"):
        if getattr(settings, name) is not None:
            raise InputError(
                f"The {name} of the SavedModel {settings.model} was set when it was exported: "
                f"leave out --{name}, or pass the folder of the translator that was exported."
            )
    saved = SavedTranslator(settings.model)

    def beam(sentences, batch_size, verbose):
        return [best for best, *_ in saved.n_best(sentences, batch_size, verbose)]

    score = functools.partial(saved.score, details=False) if saved.can_score else None
    return beam if settings.beam else saved, score


def _perplexity(scored: Sequence[Translation]) -> float | None:
    if not scored:
        return None
    return evaluation.corpus_perplexity(
        (each.score for each in scored), (each.target_length or 0 for each in scored)
    )
