"""Linear maps for loops: inputs and outputs are float32, products use the layer's dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.kept import weight
from tf_seq2seq.layers.loop import compiled_by_xla
from tf_seq2seq.layers.operation import Backward, Forward, Operation

HALVED = range(2**17, 2**21)
"""The sizes of the matrices that `multiplier` halves; larger ones keep all cores busy."""


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


class Linear(Operation):
    """A linear map `W x + b` for a loop; the constructor reads and casts the weights once.

        d_x = W^T d_y,    d_W = sum_t d_yt x_t^T,    d_b = sum_t d_yt

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
        self._cast_kernel = tf.cast(self.kernel, self.dtype)
        self._multiply = multiplier(self._cast_kernel, self.dtype)
        # TensorFlow would multiply by a transposed view in each step of the backward pass, which
        # takes longer.
        self._transposed = tf.transpose(self._cast_kernel)

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
    def shared(self) -> Sequence[tf.Tensor]:
        """`W`, and `b` if there is one."""
        return [self.kernel] if self.bias is None else [self.kernel, self.bias]

    def forward(self, x: tf.Tensor) -> Forward:
        """Map `(..., features)` to float32 `(..., units)`."""
        x = tf.cast(x, self.dtype)
        few_rows = x.shape.rank == 2 and self.kernel.shape[0]
        y = self._multiply(x) if few_rows else _of_rows(x, self._cast_kernel)
        return Forward(y if self.bias is None else y + self.bias, operands=(x,))

    def backward(self, kept: Sequence[tf.Tensor], *ds: tf.Tensor) -> Backward:
        d = tf.cast(ds[0], self.dtype)
        return Backward((_of_rows(d, self._transposed),), operands=(d,))

    def d_shared(
        self, forward: Sequence[tf.Tensor], backward: Sequence[tf.Tensor], sums: Sequence[tf.Tensor]
    ) -> Sequence[tf.Tensor]:
        x, d = (tf.reshape(each, [-1, each.shape[-1]]) for each in (*forward, *backward))
        d_kernel = product(x, d, self.dtype, transpose_a=True)
        if self.bias is None:
            return [d_kernel]
        ones = tf.ones([1, tf.shape(d)[0]], self.dtype)  # the fastest sum is a product
        return [d_kernel, product(ones, d, self.dtype)[0]]


class LinearPerRow(Operation):
    """A linear map of each row of a batch with a matrix of its own: `y_b = x_b A_b`.

        d_x = d_y A^T,    d_A = sum_t x_t^T d_yt

    In attention, the rows are the sentences: `A` holds the keys or the values of a sentence, and
    `x` the query or the weights.

    Args:
        matrices: `A`, `(batch, m, n)`; its dtype is that of the products.
        transpose: whether to multiply by `A^T` instead.

    Call arguments:
        x: float32 `(batch, m)`, or `(batch, n)` if `transpose` is set.

    Returns:
        float32 `(batch, n)`, or `(batch, m)` if `transpose` is set.

    Example:

    >>> LinearPerRow(tf.ones([2, 3, 4]))(tf.ones([2, 3])).numpy()
    array([[3., 3., 3., 3.],
           [3., 3., 3., 3.]], dtype=float32)
    """

    def __init__(self, matrices: tf.Tensor, transpose: bool = False):
        self._matrices, self._transpose = matrices, transpose

    @property
    def shared(self) -> Sequence[tf.Tensor]:
        """`A`."""
        return [self._matrices]

    def forward(self, x: tf.Tensor) -> Forward:
        x = tf.cast(x, self._matrices.dtype)
        return Forward(self._multiply(x, self._transpose), operands=(x,))

    def backward(self, kept: Sequence[tf.Tensor], *ds: tf.Tensor) -> Backward:
        d = tf.cast(ds[0], self._matrices.dtype)
        return Backward((self._multiply(d, not self._transpose),), operands=(d,))

    def d_shared(
        self, forward: Sequence[tf.Tensor], backward: Sequence[tf.Tensor], sums: Sequence[tf.Tensor]
    ) -> Sequence[tf.Tensor]:
        x, d = (*backward, *forward) if self._transpose else (*forward, *backward)
        return [tf.matmul(tf.transpose(x, [1, 2, 0]), tf.transpose(d, [1, 0, 2]))]

    def _multiply(self, x, transpose):
        y = tf.matmul(x[:, None], self._matrices, transpose_b=transpose)
        return tf.cast(tf.squeeze(y, 1), tf.float32)


def _of_rows(x, matrix):
    """Multiply `(..., features)` by a matrix; the result is float32."""
    if x.shape.rank != 2:
        y = _of_rows(tf.reshape(x, [-1, x.shape[-1]]), matrix)
        return tf.reshape(y, [*tf.unstack(tf.shape(x))[:-1], matrix.shape[1]])
    if 0 in matrix.shape:  # oneDNN aborts the process if the inner dimension is 0
        return tf.zeros([tf.shape(x)[0], matrix.shape[1]])
    return product(x, matrix, matrix.dtype)


def product(a: tf.Tensor, b: tf.Tensor, dtype: str | tf.DType, **transposed: bool) -> tf.Tensor:
    """Multiply two matrices in `dtype`; the result is float32.

    Args:
        a, b: matrices of any floating dtype.
        dtype: the dtype of the product.
        **transposed: `transpose_a` or `transpose_b`, as in `tf.matmul`.
    """
    return tf.cast(tf.matmul(tf.cast(a, dtype), tf.cast(b, dtype), **transposed), tf.float32)


def multiplier(matrix: tf.Tensor, dtype: str | tf.DType) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the function `x -> x M` for a loop.

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
    # An unknown number of units is that of a shortlist, and most of these are in the range.
    is_large = units is None or features * units in HALVED
    if dtype != tf.float32 or features % 2 or not is_large or compiled_by_xla():
        return lambda x: product(x, matrix, dtype)
    halves = tf.split(matrix, 2)

    def multiply(x):
        return tf.add_n(list(map(tf.matmul, tf.split(x, 2, axis=1), halves)))

    return multiply
