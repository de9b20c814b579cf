"""Linear maps for loops: inputs and outputs are float32, products use the layer's dtype."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.kept import weight
from tf_seq2seq.layers.loop import compiled_by_xla

HALVED = range(2**17, 2**21)
"""The sizes of the matrices that `multiplier` halves; larger ones keep all cores busy."""

Answer = Callable[["Linear", tf.Tensor], tf.Tensor]
_answer: contextvars.ContextVar[Answer | None] = contextvars.ContextVar("_answer", default=None)


@contextlib.contextmanager
def answering(answer: Answer) -> Iterator[None]:
    """Within this context, `answer(linear, x)` is the result of each call `linear(x)`.

    `bptt.unfold` thereby sees and replaces the products in a step.
    """
    token = _answer.set(answer)
    try:
        yield
    finally:
        _answer.reset(token)


def check_not_quantized(layer: keras.layers.Layer) -> None:
    """Check that the weights of a layer can be used outside it.

    Raises:
        InputError: if the layer is quantized.
    """
    if layer.quantization_mode is not None:
        raise InputError(
            f"The layer {layer.path!r} is quantized ({layer.quantization_mode}), which a sequence "
            "model does not support; do not call `quantize`. In training, dtype='mixed_bfloat16' "
            "saves memory."
        )


class Linear:
    """A linear map `W x + b` for a loop; the constructor reads and casts the weights once.

    Inputs and outputs are float32. With a half-precision dtype, only the product is computed in
    half precision, and the gradients of `W` from all steps are summed in float32.

    Args:
        kernel: `W` (transposed, as in Keras), `(features, units)`.
        bias: `b`, `(units,)`, or None.
        dtype: the dtype of the product.

    Example:

    >>> linear = Linear(tf.ones([3, 2]), tf.constant([0.0, 1.0]), "float32")
    >>> linear(tf.ones([1, 3])).numpy()
    array([[3., 4.]], dtype=float32)
    """

    def __init__(
        self, kernel: tf.Tensor | keras.Variable, bias: tf.Tensor | None, dtype: str | tf.DType
    ):
        self.kernel = weight(kernel, dtype)
        self.bias = None if bias is None else tf.cast(tf.convert_to_tensor(bias), tf.float32)
        self.dtype = tf.as_dtype(dtype)
        self._multiply = multiplier(self.kernel, self.dtype)
        self._times_kernel = times(self.kernel, self.dtype)

    @classmethod
    def of(cls, dense: keras.layers.Dense) -> Linear:
        """Return the linear part of a Dense layer, without its activation.

        Raises:
            InputError: if the layer is quantized.
        """
        check_not_quantized(dense)
        bias = dense.bias.value if dense.use_bias else None
        return cls(dense.kernel, bias, dense.compute_dtype)  # with LoRA, the kernel is a tensor

    def split(self, features: int) -> tuple[Linear, Linear]:
        """Split a map of a concatenation in two: `W [x ; y] + b = (W_x x + b) + W_y y`.

        Args:
            features: width of `x`; 0 for an empty `x`.

        Returns:
            The maps of `x` (with the bias) and of `y`.
        """
        of_x, of_y = tf.split(self.kernel, [features, self.kernel.shape[0] - features])
        return Linear(of_x, self.bias, self.dtype), Linear(of_y, None, self.dtype)

    @property
    def weights(self) -> list[tf.Tensor]:
        """`W`, and `b` if there is one."""
        return [self.kernel] if self.bias is None else [self.kernel, self.bias]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Map `(..., features)` to float32 `(..., units)`."""
        answer = _answer.get()
        return self.apply(x) if answer is None else answer(self, x)

    def infer(self, x: tf.Tensor) -> tf.Tensor:
        """Map float32 `(..., features)` like `apply`, with as few operations as possible.

        Use it where no gradient is needed, as in the loop of a search.
        """
        if x.shape.rank != 2:
            rows = tf.reshape(x, [-1, x.shape[-1]])
            shape = tf.concat([tf.shape(x)[:-1], self.kernel.shape[1:]], axis=0)
            return tf.reshape(self.infer(rows), shape)
        if self.kernel.shape[0] == 0:  # oneDNN aborts the process if the inner dimension is 0
            return self.apply(x)
        y = self._multiply(x)
        return y if self.bias is None else y + self.bias

    def apply(self, x: tf.Tensor) -> tf.Tensor:
        """Map `(..., features)` to float32 `(..., units)`."""
        features, units = self.kernel.shape
        shape = [*tf.unstack(tf.shape(x))[:-1], units]
        if features == 0:  # oneDNN aborts the process if the inner dimension is 0
            y = tf.zeros(shape)
        else:
            y = self._times_kernel(tf.reshape(tf.cast(x, tf.float32), [-1, features]))
        if self.bias is not None:
            y += self.bias
        return tf.reshape(y, shape)


def product(a: tf.Tensor, b: tf.Tensor, dtype: str | tf.DType, **transposed: bool) -> tf.Tensor:
    """Multiply two matrices in `dtype`; the result is float32.

    Args:
        a, b: matrices of any floating dtype.
        dtype: the dtype of the product.
        **transposed: `transpose_a` or `transpose_b`, as in `tf.matmul`.
    """
    return tf.cast(tf.matmul(tf.cast(a, dtype), tf.cast(b, dtype), **transposed), tf.float32)


def multiplier(matrix: tf.Tensor, dtype: str | tf.DType) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the function `x -> x M` for a loop without gradients.

    In float32, it computes `x_1 M_1 + x_2 M_2` for the halves of `M` and of the columns of `x`.
    TensorFlow computes both at the same time, whereas it uses little more than one core for a
    product with few rows. With many rows, this takes as long as a single product.

    Args:
        matrix: `M`, `(features, units)`.
        dtype: the dtype of the product.

    Returns:
        A function from float32 `(rows, features)` to float32 `(rows, units)`.
    """
    matrix = tf.cast(matrix, dtype)
    features, units = matrix.shape
    if dtype != tf.float32 or features % 2 or features * units not in HALVED or compiled_by_xla():
        return lambda x: product(x, matrix, dtype)
    halves = tf.split(matrix, 2)

    def multiply(x):
        return tf.add_n(list(map(tf.matmul, tf.split(x, 2, axis=1), halves)))

    return multiply


def times(matrix: tf.Tensor, dtype: str | tf.DType) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the function `x -> x @ matrix` for a loop, with the product computed in `dtype`.

    The matrix is transposed once, for the gradient `d @ matrix^T`. TensorFlow would multiply by a
    transposed view in each step, which takes twice as long if `x` has few rows.

    Args:
        matrix: float32 `(features, units)`.
        dtype: the dtype of the product.

    Returns:
        A function from float32 `(rows, features)` to float32 `(rows, units)`.
    """
    forward = tf.stop_gradient(tf.cast(matrix, dtype))
    backward = tf.transpose(forward)

    @tf.custom_gradient
    def run(x, matrix):
        def gradient(d):
            return product(d, backward, dtype), product(x, d, dtype, transpose_a=True)

        return product(x, forward, dtype), gradient

    return lambda x: run(x, matrix)
