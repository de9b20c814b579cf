"""The language model in PyTorch, as fast as we can make it."""

import torch
from torch import nn
from torch_loops import LstmLayerLoop
from torch_operations import CrossEntropy, Lookup, dropout, linear


class LanguageModel(nn.Module):
    """A stack of LSTMs, with the embedding as the matrix of the softmax; the last state is kept.

    Args:
        c: the configuration.
        arrays: the weights that the package wrote.
        steps: `torch_steps.Steps`.
        dtype: the dtype of the products; the parameters are float32.
        device: a `torch.device`.
    """

    def __init__(self, c, arrays, steps, dtype, device):
        super().__init__()
        self.c, self.steps, self.dtype = c, steps, dtype
        for name, array in arrays.items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(array)))
        self.to(device)
        self.state = None

    def trained(self):
        return list(self.parameters())

    def loss(self, ids, labels, drop):
        """Compute the loss, summed over time and averaged over the rows, of ids `(length, B)`."""
        c = self.c

        def dropped(x):
            return dropout(self.steps, x, c.dropout) if drop else x

        x = dropped(Lookup.apply(self.embedding, ids, self.dtype))
        zeros = torch.zeros(ids.shape[1], c.units, device=ids.device)
        state = self.state or [(zeros.to(self.dtype), zeros)] * c.num_layers
        self.state = []
        for i in range(c.num_layers):
            xs = linear(x, getattr(self, f"kernel_{i}"), getattr(self, f"bias_{i}"))
            x, *last = LstmLayerLoop.apply(
                self.steps, xs, *state[i], getattr(self, f"recurrent_kernel_{i}")
            )
            self.state.append(last)
            x = dropped(x)
        logits = linear(x.flatten(0, 1), self.embedding.t(), self.softmax_bias)
        return CrossEntropy.apply(self.steps, logits, labels.flatten(), 0.0, len(ids))
