"""Requests are merged into batches, and each receives the outputs of its rows."""

import concurrent.futures
import threading

import numpy as np
import pytest

from tf_seq2seq import InputError
from tf_seq2seq.serving.testing.batching import Batcher, Batching
from tf_seq2seq.serving.testing.errors import ServerError

FILE = """
# A comment: max_batch_size { value: 1 }
max_batch_size { value: 8 }
batch_timeout_micros { value: 300000 }
num_batch_threads { value: 2 }
allowed_batch_sizes: 4
allowed_batch_sizes: 8
"""


def test_the_parameters_file(tmp_path):
    (tmp_path / "batching.config").write_text(FILE)
    assert Batching.read(tmp_path / "batching.config") == Batching(8, 300_000, (4, 8))
    with pytest.raises(InputError, match="nowhere cannot be read: No such file"):
        Batching.read(tmp_path / "nowhere")
    for sizes in ("allowed_batch_sizes: 4", "allowed_batch_sizes: 16 allowed_batch_sizes: 8"):
        (tmp_path / "batching.config").write_text(f"max_batch_size {{ value: 8 }} {sizes}")
        with pytest.raises(InputError, match="must ascend to max_batch_size, 8, got"):
            Batching.read(tmp_path / "batching.config")


@pytest.fixture
def batcher():
    """A batcher that waits long, and the sizes of the batches that it has run."""
    sizes = []

    def run(inputs):
        sizes.append(len(inputs["x"]))
        if np.any(inputs["x"] < 0):
            raise ValueError("negative")
        return {"y": 2 * inputs["x"]}

    return Batcher(run, Batching(8, 300_000, (4, 8))), sizes


def run_at_once(batcher, requests):
    """Run requests that arrive together."""
    start = threading.Barrier(len(requests))

    def send(x):
        start.wait()
        try:
            return batcher.run({"x": np.array(x)})["y"].tolist()
        except (ValueError, ServerError) as error:
            return str(error)

    with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def test_requests_share_a_padded_batch(batcher):
    batcher, sizes = batcher
    assert run_at_once(batcher, [[1], [2, 3]]) == [[2], [4, 6]]
    assert sizes == [4]


def test_requests_that_do_not_fit_wait_for_the_next_batch(batcher):
    batcher, sizes = batcher
    assert run_at_once(batcher, [[1] * 5, [2] * 5]) == [[2] * 5, [4] * 5]
    assert sizes == [8, 8]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ([[2]], "'x' from different tasks have different shapes and padding is turned off"),
        ([2.0], "Cannot concatenate tensors that have different data types"),
    ],
)
def test_another_shape_or_dtype_fails_the_whole_batch(batcher, other, message):
    batcher, sizes = batcher
    for error in run_at_once(batcher, [[1], other, [3]]):
        assert message in error
    assert sizes == []
    assert run_at_once(batcher, [[1]]) == [[2]]
    assert run_at_once(batcher, [other]) == [(2 * np.array(other)).tolist()]


def test_a_request_without_rows_waits_for_another(batcher):
    batcher, sizes = batcher
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        empty = pool.submit(batcher.run, {"x": np.zeros(0)})
        assert not concurrent.futures.wait([empty], timeout=0.5).done
        assert batcher.run({"x": np.array([1.0])})["y"].tolist() == [2.0]
        assert empty.result(5)["y"].shape == (0,)
        assert sizes == [4]
        empty = pool.submit(batcher.run, {"x": np.zeros(0)})
        batcher.close()
        assert empty.result(5)["y"].shape == (0,)
        assert batcher.run({"x": np.array([1.0])})["y"].tolist() == [2.0]


def test_a_closed_batcher_leaves_no_thread(batcher):
    batcher, _ = batcher
    assert batcher._thread.is_alive()
    batcher.close()
    batcher._thread.join(5)
    assert not batcher._thread.is_alive()


def test_a_failure_reaches_every_request_of_the_batch(batcher):
    batcher, _ = batcher
    assert run_at_once(batcher, [[1], [-1]]) == ["negative", "negative"]
    assert run_at_once(batcher, [[3]]) == [[6]]


def test_requests_that_cannot_be_batched(batcher):
    batcher, sizes = batcher
    with pytest.raises(ServerError, match="Task size 9 is larger than maximum"):
        batcher.run({"x": np.zeros(9)})
    for inputs in ({"x": np.array(1)}, {"x": np.zeros(1), "z": np.zeros(2)}):
        with pytest.raises(ServerError, match="must have the same first dimension"):
            batcher.run(inputs)
    assert sizes == []


@pytest.mark.parametrize("output", [np.array(1.0), np.zeros(3)])
def test_outputs_that_cannot_be_split(output):
    batcher = Batcher(lambda inputs: {"y": output}, Batching(8, 0, (4, 8)))
    with pytest.raises(ServerError, match="0th dimension does not equal"):
        batcher.run({"x": np.zeros(2)})
