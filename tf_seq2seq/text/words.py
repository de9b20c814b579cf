"""A tokenizer for words, numbers and punctuation marks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tf_seq2seq.checks import check_flag
from tf_seq2seq.errors import InputError
from tf_seq2seq.strings import check_not_one_string
from tf_seq2seq.text.tokenizer import Rules, Tokenizer

JOINER = "￭"
"""The marker for a missing space, on the side of the token where the space is missing (the
convention of the OpenNMT Tokenizer): `book.` is `book ￭.`, `(ok)` is `(￭ ok ￭)`."""

_VOWEL = "AEIOUYHaeiouyhÀ-ÆÈ-ÏÒ-ÖÙ-Ýà-æè-ïò-öù-ýŒœ"  # and the silent h

# An apostrophe before a vowel ends an elided word: "l'homme" is `l' homme`. Before a consonant it
# begins a clitic, in languages with elision too: "Tom's".
_ELISION = (rf"([\p{{L}}\p{{M}}])(['’])([{_VOWEL}\p{{N}}])", "\\1\x02\\2\\3")


def word_rules(elision: bool) -> Rules:
    r"""Return the rules for splitting at punctuation. `\x02` marks an elision.

    Args:
        elision: see `WordTokenizer`.
    """
    return Rules(
        normalize=((JOINER, "■"),),
        tokenize=(
            *((_ELISION,) if elision else ()),
            # An apostrophe after a letter may begin a clitic: "don't" is `don 't`, as in Moses.
            (r"([\p{L}\p{M}])(['’])", "\\1\x01\\2"),
            (
                "(?:"
                "\x01['’][\\p{L}\\p{M}]+(?:\x02['’])?"  # clitic
                "|[\\p{L}\\p{M}]+(?:\x02['’])?"  # word
                r"|\p{N}+(?:[.,]\p{N}+)*"  # number
                r"|\.+"  # full stop or dots
                "|[^ \x01]"  # any other character
                ")",
                "\\0\x01",
            ),
            *((("\x02", ""),) if elision else ()),
            ("\x01+( |$)", r"\1"),
            # The joiner is attached to a mark before a word, otherwise to the second token, which
            # is usually a closing mark.
            ("([^\\p{L}\\p{M}\\p{N} ])\x01+([\\p{L}\\p{M}\\p{N}])", rf"\1{JOINER} \2"),
            ("\x01+", f" {JOINER}"),
        ),
        detokenize=((f" ?{JOINER} ?", ""),),
    )


class WordTokenizer(Tokenizer):
    """Split text into words, numbers, clitics ("don't" is `don ￭'t`) and punctuation marks.

    A joiner, `￭`, marks the side on which a token had no space, so that the text can be restored.
    A `￭` in the text itself becomes a `■`.

    Args:
        lowercase: whether `normalize` lowercases the text.
        split_punctuation: `False` for text that is already tokenized, such as the Penn Treebank
            or `a b c`, which is split only at white space and joined with spaces.
        elision: `True` for languages such as French, Italian and Catalan, where an apostrophe
            before a vowel belongs to the word before it: "l'homme" is `l'￭ homme`, and `homme` is
            the same token as in "un homme". See `has_elision`.

    Raises:
        InputError: if an argument is not a flag, or `elision` is set without `split_punctuation`.

    Example:

    >>> tokens = WordTokenizer().tokenize(["He paid $3.50 (too much)."])
    >>> print(*[token.decode() for token in tokens[0].numpy()])
    He paid $￭ 3.50 (￭ too much ￭) ￭.
    """

    def __init__(
        self, lowercase: bool = False, split_punctuation: bool = True, elision: bool = False
    ):
        super().__init__(lowercase)
        self.split_punctuation = check_flag("split_punctuation", split_punctuation)
        self.elision = check_flag("elision", elision)
        if self.elision and not self.split_punctuation:
            raise InputError(
                "elision=True has no effect with split_punctuation=False, which splits only at "
                "white space: leave out one of them."
            )

    @property
    def rules(self) -> Rules:
        """The rules for splitting at punctuation, or none."""
        return word_rules(self.elision) if self.split_punctuation else Rules()

    @property
    def markers(self) -> str:
        """The joiner; empty without `split_punctuation`."""
        return JOINER if self.split_punctuation else ""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        flags = {"split_punctuation": self.split_punctuation, "elision": self.elision}
        return {**super().get_config(), **flags}


def has_elision(lines: Iterable[str]) -> bool:
    """Return whether the apostrophes of a text mark elisions, as in French, rather than clitics.

    That is the case if most apostrophes between letters precede a vowel, and there are at least
    five of these per 100 lines. In English, few do, such as that of the name O'Brien.

    Args:
        lines: the text, any iterable of strings.

    Raises:
        TypeError: if `lines` is a single string.

    Example:

    >>> has_elision(["L'homme n'a qu'un livre."]), has_elision(["Tom O'Brien doesn't read."])
    (True, False)
    """
    check_not_one_string("lines", lines)
    count = elisions = clitics = 0
    for line in lines:
        count += 1
        for letter in re.findall(r"[^\W\d_]['’]([^\W\d_])", line):
            is_vowel = re.match(f"[{_VOWEL}]", letter) is not None
            elisions += is_vowel
            clitics += not is_vowel
    return elisions > clitics and 20 * elisions >= count
