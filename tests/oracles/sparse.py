"""Zeros the slow way: masks are encoded and counted, work is counted product by product."""

import math


def ceil_log2(count):
    bits = 0
    while 2**bits < count:
        bits += 1
    return bits


def encode(mask, code, bits, run_bits=4, n=2, m=4):
    """Bits of values and of metadata of one stored mask (rows of 0 and 1)."""
    rows, cols = len(mask), len(mask[0])
    flat = [bit for row in mask for bit in row]
    nonzeros = sum(flat)
    if code == "dense":
        return bits * len(flat), 0
    if code == "bitmask":
        return bits * nonzeros, len(flat)
    if code == "rle":
        entries, run = 0, 0
        for bit in flat:
            if bit or run == 2**run_bits - 1:
                entries, run = entries + 1, 0
            else:
                run += 1
        return bits * entries, run_bits * entries
    if code == "csr":
        pointers = (rows + 1) * ceil_log2(nonzeros + 1)
        return bits * nonzeros, nonzeros * ceil_log2(cols) + pointers
    if code == "csc":
        pointers = (cols + 1) * ceil_log2(nonzeros + 1)
        return bits * nonzeros, nonzeros * ceil_log2(rows) + pointers
    if code == "coo":
        return bits * nonzeros, nonzeros * ceil_log2(len(flat))
    if code == "n_m":
        groups = len(flat) // m
        return bits * groups * n, groups * n * ceil_log2(m)
    raise ValueError(code)


def pairs(weights, inputs, weight_mode, input_mode):
    """Products done, and products that switch, of two masks (filters, terms) and (positions, terms)."""
    done = switched = 0
    for row in weights:
        for position in inputs:
            for weight, value in zip(row, position, strict=True):
                if (weight_mode == "skip" and not weight) or (input_mode == "skip" and not value):
                    continue
                done += 1
                idle = (weight_mode == "gate" and not weight) or (input_mode == "gate" and not value)
                switched += not idle
    return done, switched


def vectors(share, group, width):
    """Expected vectors of `width` that hold the non-zeros of a group, from the binomial distribution."""
    chances = [math.comb(group, x) * share**x * (1 - share) ** (group - x) for x in range(group + 1)]
    return sum(chance * math.ceil(x / width) for x, chance in enumerate(chances))
