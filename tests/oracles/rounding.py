"""A fixed-point datapath in Python's unbounded integers and fractions; slow, obvious, independent."""

from fractions import Fraction
from math import floor


class Register:
    """A shift register of single bits, least significant first; taps feed the bit that falls out back in."""

    def __init__(self, state: int, bits: int, taps: tuple[int, ...]) -> None:
        self.bits = [(state >> place) & 1 for place in range(bits)]
        self.taps = taps

    def step(self) -> None:
        falling = self.bits[0]
        self.bits = [*self.bits[1:], 0]
        for tap in self.taps:
            self.bits[tap - 1] = (self.bits[tap - 1] + falling) % 2

    def top(self, count: int) -> int:
        highest_first = self.bits[::-1][:count]
        return sum(bit << place for place, bit in enumerate(reversed(highest_first)))


def round_fraction(x: Fraction, mode: str, register: Register | None, random_bits: int) -> int:
    """Round x to an integer: the way of the mode, word by word."""
    whole = floor(x)
    if mode == "truncate":
        return whole
    if mode == "nearest":
        return whole + (1 if x - whole >= Fraction(1, 2) else 0)
    assert register is not None
    register.step()
    threshold = 1 - Fraction(register.top(random_bits), 2**random_bits)
    return whole + (1 if x - whole >= threshold else 0)


def clamp(word: int, il: int, fl: int) -> int:
    top = 2 ** (il + fl - 1)
    return max(-top, min(word, top - 1))


def matmul(
    a: list[list[int]],
    b: list[list[int]],
    il: int,
    fl: int,
    mode: str,
    registers: list[Register],
    random_bits: int,
    round_each: int,
) -> list[list[int]]:
    """Product of word matrices; one register a column, rows in order."""
    depth = len(b)
    columns = len(b[0])
    out = [[0] * columns for _ in a]
    for i, row in enumerate(a):
        for j in range(columns):
            accumulator = 0
            for start in range(0, depth, round_each):
                exact = sum(
                    Fraction(row[k], 2**fl) * Fraction(b[k][j], 2**fl)
                    for k in range(start, min(start + round_each, depth))
                )
                word = clamp(round_fraction(exact * 2**fl, mode, registers[j], random_bits), il, fl)
                accumulator = clamp(accumulator + word, il, fl)
            out[i][j] = accumulator
    return out
