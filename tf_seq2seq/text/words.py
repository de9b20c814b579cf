"""A tokenizer for words, numbers and punctuation marks."""

from __future__ import annotations

from typing import Any

from tf_seq2seq.checks import check_flag
from tf_seq2seq.strings import JOINER
from tf_seq2seq.text.tokenizer import Rules, Tokenizer

WORD_RULES = Rules(
    normalize=((JOINER, "■"),),
    tokenize=(
        # An apostrophe after a letter may begin a clitic: "don't" is `don 't`, as in Moses.
        (r"([\p{L}\p{M}])(['’])", "\\1\x01\\2"),
        (
            "(?:"
            "\x01['’][\\p{L}\\p{M}]+"  # clitic
            r"|[\p{L}\p{M}]+"  # word
            r"|\p{N}+(?:[.,]\p{N}+)*"  # number
            r"|\.+"  # full stop or dots
            "|[^ \x01]"  # any other character
            ")",
            "\\0\x01",
        ),
        ("\x01+( |$)", r"\1"),
        # The joiner is attached to a mark before a word, otherwise to the second token, which is
        # usually a closing mark.
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

    Example:

    >>> tokens = WordTokenizer().tokenize(["He paid $3.50 (too much)."])
    >>> print(*[token.decode() for token in tokens[0].numpy()])
    He paid $￭ 3.50 (￭ too much ￭) ￭.
    """

    def __init__(self, lowercase: bool = False, split_punctuation: bool = True):
        super().__init__(lowercase)
        self.split_punctuation = check_flag("split_punctuation", split_punctuation)

    @property
    def rules(self) -> Rules:
        """The rules for splitting at punctuation, or none."""
        return WORD_RULES if self.split_punctuation else Rules()

    @property
    def markers(self) -> str:
        """The joiner; empty without `split_punctuation`."""
        return JOINER if self.split_punctuation else ""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "split_punctuation": self.split_punctuation}
