"""Experts that Python picks by what a router chose: work to expect of rows and choices."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import workloads
from workloads.errors import NetworkImportError

WIDTH, INNER, EXPERTS, CHOICES = 16, 32, 4, 2


class Experts(nn.Module):
    def __init__(self, dispatch):
        super().__init__()
        self.gate = nn.Linear(WIDTH, EXPERTS)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(WIDTH, INNER), nn.SiLU(), nn.Linear(INNER, WIDTH)) for _ in range(EXPERTS)
        )
        self.dispatch = dispatch

    def forward(self, x):
        return self.dispatch(self, x)


def sorted_rows(self, x):
    weights, chosen = self.gate(x).topk(CHOICES, -1)
    order = chosen.flatten().argsort()
    return weights, chosen, order, x[order // CHOICES]


def back(order, rows, weights):
    made = torch.zeros_like(rows)
    made[order] = rows
    return (made.view(-1, CHOICES, WIDTH) * weights[..., None]).sum(1)


def by_list(self, x):
    weights, chosen, order, rows = sorted_rows(self, x)
    counts = torch.zeros(len(x), EXPERTS, dtype=torch.long).scatter_(1, chosen, 1).sum(0).tolist()
    made, start = [], 0
    for expert, count in zip(self.experts, counts, strict=True):
        if count:
            made.append(expert(rows[start : start + count]))
        start += count
    return back(order, torch.cat(made), weights)


def by_ends(self, x):
    weights, chosen, order, rows = sorted_rows(self, x)
    ends = chosen.flatten().bincount(minlength=EXPERTS).cumsum(0).cpu().numpy()
    starts = [0, *ends[:-1]]
    made = [e(rows[a:b]) for e, a, b in zip(self.experts, starts, ends, strict=True) if b > a]
    return back(order, torch.cat(made), weights)


def by_item(self, x):
    weights, chosen, order, rows = sorted_rows(self, x)
    counts = [(chosen == i).sum().item() for i in range(EXPERTS)]
    made = [expert(part) for expert, part in zip(self.experts, rows.split(counts), strict=True)]
    return back(order, torch.cat(made), weights)


def by_mask(self, x):
    chosen, made = self.gate(x).topk(CHOICES, -1)[1], torch.zeros_like(x)
    for i, expert in enumerate(self.experts):
        mask = (chosen == i).any(-1)
        if mask.any():
            made[mask] += expert(x[mask])
    return made


def by_hits(self, x):
    weights, chosen = self.gate(x).softmax(-1).topk(CHOICES, -1)
    made, mask = torch.zeros_like(x), F.one_hot(chosen, EXPERTS).permute(2, 1, 0)
    for hit in torch.greater(mask.sum((-1, -2)), 0).nonzero():
        expert = hit[0]
        place, token = torch.where(mask[expert])
        made.index_add_(0, token, self.experts[int(expert)](x[token]) * weights[token, place, None])
    return made


def by_token(self, x):
    chosen = self.gate(x).topk(CHOICES, -1)[1].tolist()
    return torch.stack([sum(self.experts[i](row) for i in each) for each, row in zip(chosen, x, strict=True)])


@pytest.mark.parametrize(
    ("dispatch", "rows"),
    [
        *((dispatch, 8) for dispatch in (by_list, by_ends, by_item, by_mask, by_hits, by_token)),
        (by_list, 1),
        (by_mask, 1),
        (by_hits, 3),
    ],
)
def test_rows_that_python_hands_to_experts_are_those_to_expect(dispatch, rows):
    module = Experts(dispatch)
    network = workloads.from_torch(module, torch.zeros(rows, WIDTH))
    assert network.macs == rows * (WIDTH * EXPERTS + CHOICES * 2 * WIDTH * INNER)
    assert network.parameters == sum(p.numel() for p in module.parameters())
    assert "rows spread evenly over experts" in network.source


def test_slices_of_parameters_leave_the_rest_a_part_of_the_module():
    class Sliced(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate, self.up = nn.Linear(WIDTH, EXPERTS), nn.Parameter(torch.randn(EXPERTS, WIDTH, INNER))
            self.scale = nn.Parameter(torch.randn(1, INNER))

        def forward(self, x):
            return x @ (self.up[self.gate(x.mean(0)).argmax().item()] * self.scale)

    module = Sliced()
    network = workloads.from_torch(module, torch.zeros(8, WIDTH))
    assert network.macs == WIDTH * EXPERTS + 8 * WIDTH * INNER
    assert network.parameters == sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    "dispatch",
    [
        lambda self, x: self.experts[0](x) if x.max() > 0 else x,
        lambda self, x: self.experts[0](x) if (self.gate(x).softmax(-1).max(-1)[0] > 0.5).all() else x,
        lambda self, x: self.gate(x[: x.long().max()]),
    ],
)
def test_other_questions_about_data_are_refused_with_their_line(dispatch):
    with pytest.raises(NetworkImportError, match=r"depends on data \(test_experts.py, line \d+: "):
        workloads.from_torch(Experts(dispatch), torch.ones(8, WIDTH))
