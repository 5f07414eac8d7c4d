"""Decoders as PyTorch modules with random weights, from the papers: what built-in decoders are held to."""

import torch
from torch import nn


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width))

    def forward(self, x):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * self.weight


class Perceptron(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.down(nn.functional.silu(self.gate(x)) * self.up(x))


class Mixed(nn.Module):
    """Experts one after the other, each on the tokens that chose it."""

    def __init__(self, width, mixture):
        super().__init__()
        self.active = mixture.active
        self.gate = nn.Linear(width, mixture.experts, bias=mixture.corrected)
        self.experts = nn.ModuleList(Perceptron(width, mixture.hidden) for _ in range(mixture.experts))
        self.shared = Perceptron(width, mixture.shared) if mixture.shared else None

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        weights, chosen = self.gate(rows).softmax(-1).topk(self.active)
        result = torch.zeros_like(rows)
        self.met = 0
        for number, expert in enumerate(self.experts):
            token, place = (chosen == number).nonzero(as_tuple=True)
            if token.numel():
                self.met += 1
                result.index_add_(0, token, expert(rows[token]) * weights[token, place, None])
        if self.shared is not None:
            result = result + self.shared(rows)
        return result.reshape(x.shape)


class Grouped(nn.Module):
    """Attention of query heads that share keys; `past` holds keys and values of the tokens before."""

    def __init__(self, shape):
        super().__init__()
        head = shape.head or shape.width // shape.heads
        self.heads, self.kv_heads, self.head = shape.heads, shape.kv_heads or shape.heads, head
        self.q = nn.Linear(shape.width, self.heads * head, bias=shape.bias)
        self.k = nn.Linear(shape.width, self.kv_heads * head, bias=shape.bias)
        self.v = nn.Linear(shape.width, self.kv_heads * head, bias=shape.bias)
        self.norms = nn.ModuleList([Norm(head), Norm(head)]) if shape.head_norm else None

    def forward(self, x, past):
        n, t, _ = x.shape
        q, k, v = (p(x).view(n, t, -1, self.head).transpose(1, 2) for p in (self.q, self.k, self.v))
        if self.norms is not None:
            q, k = self.norms[0](q), self.norms[1](k)
        if past is not None:
            k, v = (torch.cat([old, new], 2) for old, new in zip(past, (k, v), strict=True))
        q = q.reshape(n, self.kv_heads, -1, self.head)  # heads that share a key are rows of one product
        scores = (q @ k.transpose(2, 3)).softmax(-1)
        return (scores @ v).reshape(n, self.heads, t, self.head).transpose(1, 2).reshape(n, t, -1)


class Latent(nn.Module):
    """Latent attention without rotation; `past` holds short rows and the one key of the tokens before."""

    def __init__(self, shape):
        super().__init__()
        self.heads, self.sizes = shape.heads, shape.latent
        one = self.sizes
        inner = one.query or shape.width
        if one.query:
            self.q_a, self.q_norm = nn.Linear(shape.width, one.query, bias=False), Norm(one.query)
        self.q_b = nn.Linear(inner, shape.heads * (one.plain + one.turned), bias=False)
        self.kv_a, self.kv_norm = nn.Linear(shape.width, one.kept + one.turned, bias=False), Norm(one.kept)
        self.kv_b = nn.Linear(one.kept, shape.heads * (one.plain + one.value), bias=False)

    def forward(self, x, past, absorbed=False):
        one, (n, t, _) = self.sizes, x.shape
        y = self.q_norm(self.q_a(x)) if one.query else x
        q = self.q_b(y).view(n, t, self.heads, -1).transpose(1, 2)
        rows, key = self.kv_a(x).split([one.kept, one.turned], -1)
        rows = self.kv_norm(rows)
        if past is not None:
            rows, key = (torch.cat([old, new], 1) for old, new in zip(past, (rows, key), strict=True))
        plain, turned = q.split([one.plain, one.turned], -1)
        scale = (one.plain + one.turned) ** -0.5
        if not absorbed:
            made = self.kv_b(rows).view(n, rows.shape[1], self.heads, -1).transpose(1, 2)
            k, v = made.split([one.plain, one.value], -1)
            k = torch.cat([k, key[:, None].expand(-1, self.heads, -1, -1)], -1)
            x = (torch.cat([plain, turned], -1) @ k.transpose(2, 3) * scale).softmax(-1) @ v
        else:
            to_key, to_value = self.kv_b.weight.view(self.heads, -1, one.kept).split(
                [one.plain, one.value], 1
            )
            q = torch.cat([plain @ to_key, turned], -1).reshape(n, self.heads * t, -1)
            scores = (q @ torch.cat([rows, key], -1).transpose(1, 2) * scale).softmax(-1)
            x = (scores @ rows).view(n, self.heads, t, -1) @ to_value.transpose(1, 2)
        return x.transpose(1, 2).reshape(n, t, -1)


class Layer(nn.Module):
    def __init__(self, shape, dense):
        super().__init__()
        self.attention = Latent(shape) if shape.latent else Grouped(shape)
        inner = shape.heads * (shape.latent.value if shape.latent else self.attention.head)
        self.o = nn.Linear(inner, shape.width, bias=False)
        self.mlp = Perceptron(shape.width, shape.hidden) if dense else Mixed(shape.width, shape.mixture)
        self.norms = nn.ModuleList(Norm(shape.width) for _ in range(4 if shape.sandwich else 2))

    def forward(self, x, past, **how):
        norms = list(self.norms)
        y = self.o(self.attention(norms[0](x), past, **how))
        if len(norms) == 4:
            y, norms = norms[1](y), norms[1:]
        x = x + y
        y = self.mlp(norms[1](x))
        return x + (norms[2](y) if len(norms) == 3 else y)


class TorchDecoder(nn.Module):
    """A decoder of a shape of `workloads.networks.decoders`."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(shape.words, shape.width)
        mixture = shape.mixture
        self.layers = nn.ModuleList(
            Layer(shape, mixture is None or i < mixture.dense) for i in range(shape.layers)
        )
        self.norm = Norm(shape.width)
        self.head = nn.Linear(shape.width, shape.words, bias=False)
        if shape.tied:
            self.head.weight = self.words.weight

    def forward(self, ids, pasts=None, **how):
        x = self.words(ids)
        for i, layer in enumerate(self.layers):
            x = layer(x, None if pasts is None else pasts[i], **how)
        return self.head(self.norm(x[:, -1:]))
