import itertools

import numpy as np
import pytest

from tf_seq2seq.data.buckets import fit_buckets


def same(lengths):
    """The same lengths on both sides."""
    return np.stack([lengths, lengths], axis=1)


def widths(lengths, num_buckets):
    found = fit_buckets(same(np.array(lengths)), num_buckets).widths
    assert (found[:, 0] == found[:, 1]).all()
    return found[:, 0].tolist()


class TestFit:
    def test_small_examples(self):
        # Widths 4 and 9 pad each 3 by 1, widths 3 and 9 pad the 4 by 5.
        assert widths([3] * 4 + [4, 9], 2) == [4, 9]
        assert widths([3] * 6 + [4, 9], 2) == [3, 9]

    def test_never_more_buckets_than_lengths(self):
        assert widths([5, 3, 5], 8) == [3, 5]
        assert widths([7], 8) == [7]

    @pytest.mark.parametrize("seed", range(10))
    def test_no_choice_of_widths_needs_less_padding(self, seed):
        lengths = np.random.default_rng(seed).integers(1, 12, 30)

        def padded(widths):
            return np.asarray(widths)[np.searchsorted(widths, lengths)].sum()

        candidates = np.unique(lengths)
        least = min(
            padded((*chosen, candidates[-1]))
            for chosen in itertools.combinations(candidates[:-1], 2)
        )
        assert padded(widths(lengths, 3)) == least

    def test_sides_that_grow_at_different_rates(self):
        target = np.arange(1, 31)
        buckets = fit_buckets(np.stack([2 * target + 3, target], axis=1), 30)
        np.testing.assert_array_equal(buckets.widths[:, 0], 2 * buckets.widths[:, 1] + 3)
        assert len(buckets.widths) == 30


def test_every_pair_fits_into_its_bucket_and_all_later_ones():
    rng = np.random.default_rng(0)
    target = rng.integers(1, 30, 2000)
    lengths = np.stack([np.maximum(1, 2 * target + rng.integers(-6, 7, 2000)), target], axis=1)
    buckets = fit_buckets(lengths, 8)
    assert np.all(np.diff(buckets.widths, axis=0) >= 0)
    np.testing.assert_array_equal(buckets.widths[-1], lengths.max(axis=0))
    assert np.all(lengths <= buckets.widths[buckets.of_pairs])
