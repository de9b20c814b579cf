"""Solutions of the exercises of the seventh chapter beyond the book."""

import functools
import runpy
import sys
from pathlib import Path

import numpy as np

import tf_seq2seq as s2s


@functools.cache
def trained():
    """Run the chapter with its preset `quick`, and return its variables."""
    script = Path(__file__).parents[1] / "beyond_7_distillation.py"
    sys.argv = [str(script)]
    return runpy.run_path(str(script), run_name="__main__")


def exercise_1(chapter=None, sentences=500):
    """0.91 on the teacher's and 1.08 on the original ones: the teacher's are easier to learn."""
    chapter = chapter or trained()
    losses = {}
    for name, kind in (("small", "of_teacher"), ("small-original", "originals")):
        pairs = chapter[kind][:sentences]
        scored = chapter["translators"][name].score(pairs.source, pairs.target)
        tokens = sum(each.target_length for each in scored)
        losses[name] = -sum(each.score for each in scored) / tokens
    return losses


def exercise_2(chapter=None, width=5, sentences=300):
    """75 BLEU instead of 65: the beam contains better translations than the one it prefers."""
    chapter = chapter or trained()
    pairs = chapter["originals"][:sentences]
    found = chapter["teacher"].n_best(pairs.source, beam_width=width, n_best=width)
    best, closest = [], []
    for each, reference in zip(found, pairs.target, strict=True):
        texts = [translation.text for translation in each]
        scores = [s2s.evaluation.chrf([text], [reference]).value for text in texts]
        best.append(texts[0])
        closest.append(texts[int(np.argmax(scores))])
    return {
        name: s2s.evaluation.bleu(texts, pairs.target).value
        for name, texts in (("most probable", best), ("closest", closest))
    }


def exercise_3(chapter=None, sentences=4_000):
    """59 BLEU instead of 39, as twice as many pairs also mean twice as many steps."""
    chapter = chapter or trained()
    settings, corpus = chapter["settings"], chapter["corpus"]
    more = s2s.data.synthetic_corpus(train=len(corpus.train) + sentences).train.source
    known = {*corpus.train.source, *corpus.dev.source, *corpus.test.source}
    more = [line for line in more if line not in known]
    texts = [each.text for each in chapter["teacher"](more, **chapter["beam"])]
    pairs = chapter["of_teacher"]
    pairs = s2s.data.Pairs((*pairs.source, *more), (*pairs.target, *texts))
    widths = settings.small_units, settings.small_embedding_size
    student, _ = chapter["train"](
        "more sentences", pairs, chapter["tokenizers"], *widths, settings.epochs
    )
    found = [each.text for each in student(corpus.test.source)]
    small = chapter["found"]["small", "greedy"]
    return {
        name: s2s.evaluation.bleu(texts, corpus.test.target).value
        for name, texts in (("small", small), ("with more", found))
    }
