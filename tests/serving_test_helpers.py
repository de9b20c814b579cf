"""Comparisons that the tests of serving share."""

import numpy as np
import pytest


def assert_same(ours, theirs):
    """Check that translations are equal, up to the rounding of their numbers."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.text, one.source_tokens, one.target_tokens, one.target_length) == (
            *(other.text, other.source_tokens, other.target_tokens, other.target_length),
        )
        assert one.score == pytest.approx(other.score, abs=1e-5)
        assert (one.alignment is None) == (other.alignment is None)
        if one.alignment is not None:
            assert one.alignment.dtype == np.float32
            np.testing.assert_allclose(one.alignment, other.alignment, atol=1e-5)
