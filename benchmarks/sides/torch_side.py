"""PyTorch's side: a worker process with PyTorch, and without TensorFlow."""

import sys

from configurations import (
    EOS_ID,
    FIRST_WORD,
    LANGUAGE_MODELS,
    configuration,
    greedy_batch,
    training_batch,
)
from worker import PRODUCTS, RefusalError, Stopwatch, best_seconds, peak_memory, serve
from workload import words

try:
    import numpy as np
    import torch
except ImportError as error:
    torch, missing = None, error.name

# Variants that the parent passes: the mode of `torch.compile`, and whether to use a CUDA graph.
MODES = {"eager": None, "compiled": "default", "autotuned": "max-autotune-no-cudagraphs"}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16} if torch else {}


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def captured(function, warm_ups):
    """Capture a function without arguments in a CUDA graph, after warming up on a side stream."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(warm_ups):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = function()

    def replay():
        graph.replay()
        return result

    return replay


class TorchSide:
    def __init__(self):
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.device.type == "cuda":
            # TensorFlow's default on a GPU: TF32 products in float32.
            torch.set_float32_matmul_precision("high")
            torch.backends.cudnn.allow_tf32 = True

    def hello(self):
        on_gpu = self.device.type == "cuda"
        versions = f"PyTorch {torch.__version__}"
        if on_gpu:
            versions += f", CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
        return {"gpu": torch.cuda.get_device_name() if on_gpu else None, "versions": versions}

    def prepare(
        self, model, precision, weights, mode, graph=False, padded=False, ends=False, **changes
    ):
        """Build the model, and compute the loss and the norm of its gradient."""
        # Imported here, because they need PyTorch.
        from torch_language_model import LanguageModel
        from torch_model import Translator
        from torch_steps import Steps

        torch._dynamo.reset()
        torch._dynamo.config.cache_size_limit = 64
        torch.manual_seed(1)
        self.graph = graph and self.device.type == "cuda"
        self.c = c = configuration(model, **changes)
        self.model = None  # so that the memory of the previous one is free
        self.step = self.replay = self.searcher = self.optimizer = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        on_cpu, is_language_model = self.device.type == "cpu", model in LANGUAGE_MODELS
        kind = LanguageModel if is_language_model else Translator
        steps = Steps(MODES[mode], dynamic=None if on_cpu else False)
        with np.load(weights) as arrays:
            self.model = kind(c, arrays, steps, DTYPES[precision], self.device)
        batch = training_batch(c, padded)
        self.batch = [self._ids(ids.T) for ids in batch]
        # The copy from the host is part of a step, as it is on the other side.
        self.host_batch = [self._pinned(ids.T) for ids in batch]
        encoder = precision if on_cpu else self._choose_encoder(DTYPES[precision])
        loss = self._backward(drop=False)
        # In float32, PyTorch's sum of millions of squares is off by 1e-4.
        norms = [each.grad.double().norm() for each in self.model.trained()]
        norm = torch.stack(norms).norm()
        self.model.zero_grad(set_to_none=True)
        parameters = sum(each.numel() for each in self.model.trained())
        return {
            "loss": float(loss),
            "gradient_norm": float(norm),
            "parameters": parameters,
            "note": f"encoder in {encoder}",
        }

    def _ids(self, ids):
        return torch.from_numpy(np.ascontiguousarray(ids)).to(self.device)

    def _pinned(self, ids):
        ids = torch.from_numpy(np.ascontiguousarray(ids))
        return ids.pin_memory() if self.device.type == "cuda" else ids

    def _choose_encoder(self, dtype):
        """Use the faster dtype for the encoder: cuDNN need not support bfloat16."""
        seconds = {}
        for choice in {dtype, torch.float32}:

            def run():
                memory, state, _ = self.model.encode(self.batch[0], drop=True)
                (memory.float().sum() + state.float().sum()).backward()
                self.model.take_encoder_gradients()
                self.model.zero_grad(set_to_none=True)

            try:
                self.model.use_encoder(choice)
                run()
            except RuntimeError as error:
                print(f"no encoder in {choice}: {error}", file=sys.stderr)
                continue
            # Launching small kernels can take longer than running them.
            function = captured(run, 3) if self.graph else run

            def finished(function=function):
                function()
                synchronize(self.device)

            seconds[choice] = best_seconds(finished)
        choice = min(seconds, key=seconds.get)
        self.model.use_encoder(choice)
        return str(choice).removeprefix("torch.")

    def _backward(self, drop):
        *inputs, labels = self.batch
        options = {}
        if self.device.type == "cpu" and len(inputs) > 1:  # a CUDA graph needs fixed shapes
            options["places"] = labels.flatten().nonzero()[:, 0]
        loss = self.model.loss(*inputs, labels, drop, **options)
        with torch.autograd.set_multithreading_enabled(False):
            loss.backward()
        if len(inputs) > 1:
            self.model.take_encoder_gradients()
        return loss.detach()

    def prepare_greedy(self, rows):
        source = self._ids(greedy_batch(self.c, rows).T)
        weights = self.model.greedy_weights()
        self.model.eval()

        def search():
            return self.model.greedy(source, weights)

        ids = search()
        self.replay = captured(search, 2) if self.graph else search
        self.replay()  # a graph has no result before it runs
        # A few may differ, since cuBLAS may choose other kernels in a graph.
        if (ids == self.replay()).float().mean() < 0.9:
            raise RuntimeError("the ids of the CUDA graph differ from those of a plain call")
        self.greedy(2)
        return {"ids": ids.tolist()}

    def greedy(self, steps):
        watch = Stopwatch()
        for _ in range(steps):
            ids = self.replay()
        ids.cpu()
        return watch.read()

    def prepare_train(self):
        c, model = self.c, self.model
        model.train()
        parameters = model.trained()
        if hasattr(c, "beta_2"):
            self.optimizer = torch.optim.Adam(
                parameters,
                c.learning_rate,
                betas=(0.9, c.beta_2),
                eps=1e-7,  # Keras' default
                fused=True,
                capturable=self.device.type == "cuda",
            )
        else:
            self.optimizer = torch.optim.SGD(parameters, c.learning_rate, fused=True)

        def step():
            if self.device.type == "cuda":
                model.copy_encoder()
            loss = self._backward(drop=True)
            gradients = [each.grad for each in parameters]
            norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
            # The fused update divides the gradients by it, which saves a pass over them.
            self.optimizer.grad_scale = (norm / c.clip).clamp(min=1.0)
            self.optimizer.step()
            model.zero_grad(set_to_none=True)
            return loss

        self.step = captured(step, 3) if self.graph else step
        self.train(3)
        return {}

    def train(self, steps):
        watch = Stopwatch()
        for _ in range(steps):
            for ids, host in zip(self.batch, self.host_batch, strict=True):
                ids.copy_(host, non_blocking=True)
            loss = self.step()
        loss = float(loss)
        return {**watch.read(), "loss": loss, "peak_memory": peak_memory()}

    def prepare_fit(self, batches):
        """Read the batches that the package wrote, and train on all of them to warm up."""
        self.prepare_train()
        with np.load(batches) as arrays:
            names = [f"{i}_{{}}" for i in range(len(arrays) // 3)]
            self.batches = [
                [self._ids(arrays[name.format(part)].T) for part in range(3)] for name in names
            ]
        return self.fit()

    def fit(self):
        watch, losses = Stopwatch(), []
        for batch in self.batches:
            self.batch = batch
            losses.append(self.step())
        loss = float(torch.stack(losses).mean())
        return {**watch.read(), "loss": loss, "peak_memory": peak_memory()}

    def time_products(self, shapes, precision):
        """Return the GFLOP/s of products `(m, k, n)`."""

        def timed(m, k, n):
            *lefts, right = (
                torch.randn(shape).to(DTYPES[precision]) for shape in (*[(m, k)] * PRODUCTS, (k, n))
            )
            seconds = best_seconds(lambda: [left @ right for left in lefts])
            return 2e-9 * m * k * n * PRODUCTS / seconds

        return {"gflops": [timed(*shape) for shape in shapes]}

    def prepare_search(self, sentences, width, length_penalty, batch_size):
        """Translate sentences; `width` 1 is greedy search."""
        from torch_search import Search

        self.width, self.length_penalty, self.batch_size = width, length_penalty, batch_size
        self.sentences = sentences
        self.ids_of = {w: i for i, w in enumerate(words(self.c.source_vocabulary), FIRST_WORD)}
        self.words_of = ["", "<unk>", "", "", *words(self.c.target_vocabulary)]
        self.model.eval()
        self.searcher = Search(self.model)
        return {"translations": self._translate()}

    def _translate(self):
        unknown = 1
        ids = [
            [*(self.ids_of.get(word, unknown) for word in line.split()), EOS_ID]
            for line in self.sentences
        ]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        translations = [""] * len(ids)
        for start in range(0, len(ids), self.batch_size):
            rows = order[start : start + self.batch_size]
            source = torch.zeros(max(len(ids[i]) for i in rows), len(rows), dtype=torch.long)
            for column, i in enumerate(rows):
                source[: len(ids[i]), column] = torch.tensor(ids[i])
            if self.width == 1:
                found = self.searcher.greedy(source)
            else:
                found = self.searcher.beam(source, self.width, self.length_penalty)
            for i, each in zip(rows, found, strict=True):
                translations[i] = " ".join(self.words_of[id] for id in each)
        return translations

    def search(self, steps):
        watch = Stopwatch()
        for _ in range(steps):
            self._translate()
        return watch.read()


def start(channel):
    if torch is None:
        raise RefusalError(
            f"The Python {sys.executable} has no module {missing}: name one that has PyTorch "
            "and NumPy with --torch-python."
        )
    return TorchSide()


if __name__ == "__main__":
    serve(start)
