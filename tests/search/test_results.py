import numpy as np
import tensorflow as tf

from tf_seq2seq.search import Hypotheses


def test_the_best_are_the_first_with_their_log_probabilities():
    hypotheses = Hypotheses(
        ids=tf.constant([[[4, 3], [5, 3]]]),
        lengths=tf.constant([[2, 1]]),
        scores=tf.constant([[-0.5, -0.7]]),
        log_probabilities=tf.constant([[-1.0, -1.4]]),
        alignment=tf.constant([[[[0.25, 0.75]] * 2, [[1.0, 0.0]] * 2]]),
    )
    best = hypotheses.best()
    np.testing.assert_array_equal(best.ids, [[4, 3]])
    np.testing.assert_array_equal(best.lengths, [2])
    np.testing.assert_array_equal(best.scores, [-1.0])
    np.testing.assert_array_equal(best.alignment, [[[0.25, 0.75]] * 2])
    assert hypotheses._replace(alignment=None).best().alignment is None
