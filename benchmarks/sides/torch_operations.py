"""Operations with gradients that are written out: products, embeddings and the loss."""

import functools
import sys

import torch
from torch.autograd import Function
from torch.nn import functional


def product_32(a, b):
    """Multiply two matrices; the result is float32."""
    if a.is_cuda and a.dtype != torch.float32 and _multiplies_to_float32(a.device):
        return torch.mm(a, b, out_dtype=torch.float32)
    return torch.mm(a, b).float()


@functools.cache
def _multiplies_to_float32(device):
    ones = torch.ones(16, 16, dtype=torch.bfloat16, device=device)
    try:
        torch.mm(ones.t(), ones, out_dtype=torch.float32)
    except (RuntimeError, TypeError) as error:
        print(f"no product of bfloat16 to float32: {error}", file=sys.stderr)
        return False
    return True


def sums_of_rows(d):
    """Sum the rows of a matrix; the result is float32."""
    if d.is_cuda or d.dtype == torch.float32:
        return d.sum(0, dtype=torch.float32)
    # On a CPU, a product is much faster than a sum over columns of half precision.
    return torch.mm(d.new_ones(16, len(d)), d)[0].float()


class Product(Function):
    """`x W + b` in the dtype of `x`, with float32 weights and gradients of weights."""

    @staticmethod
    def forward(ctx, x, kernel, bias):
        w = kernel.to(x.dtype)
        ctx.save_for_backward(x, w)
        return x @ w if bias is None else torch.addmm(bias.to(x.dtype), x, w)

    @staticmethod
    def backward(ctx, d):
        x, w = ctx.saved_tensors
        d_x = d @ w.t() if ctx.needs_input_grad[0] else None
        d_bias = sums_of_rows(d) if ctx.needs_input_grad[2] else None
        return d_x, product_32(x.t(), d), d_bias


def linear(x, kernel, bias=None):
    return Product.apply(x.flatten(0, -2), kernel, bias).view(*x.shape[:-1], kernel.shape[1])


class Lookup(Function):
    """Rows of a float32 matrix in `dtype`; the gradient is one `index_add_`."""

    @staticmethod
    def forward(ctx, table, ids, dtype):
        ctx.save_for_backward(ids)
        ctx.size = table.shape
        return table[ids].to(dtype)

    @staticmethod
    def backward(ctx, d):
        (ids,) = ctx.saved_tensors
        d_table = torch.zeros(ctx.size, device=d.device)
        return d_table.index_add_(0, ids.flatten(), d.float().flatten(0, -2)), None, None


class CrossEntropy(Function):
    """The mean loss times a factor; `backward` starts here, so that it is not multiplied again."""

    @staticmethod
    def forward(ctx, steps, logits, labels, smoothing, factor=1):
        loss, d_logits = steps.cross_entropy(logits.detach(), labels, smoothing, factor)
        ctx.save_for_backward(d_logits)
        return loss

    @staticmethod
    def backward(ctx, d):
        return None, ctx.saved_tensors[0], None, None, None


def dropout(steps, x, rate):
    """Apply dropout; on a CPU at a rate rounded to 1/256, since its random numbers are slow."""
    if x.is_cuda or not rate:
        return functional.dropout(x, rate)
    words = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
    return x * steps.dropout_factors(words.view(torch.uint8)[: x.numel()].view(x.shape), rate, x)
