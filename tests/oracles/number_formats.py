"""Number formats as their documents spell them: every bit pattern decoded, every rounding a search."""

from bisect import bisect_left, bisect_right
from fractions import Fraction


def decoded(exponent_bits, mantissa_bits, special):
    """Finite non-negative numbers of a float format, rising, each with the parity of its bit pattern."""
    bias = 2 ** (exponent_bits - 1) - 1
    found = []
    for pattern in range(2 ** (exponent_bits + mantissa_bits)):
        exponent, mantissa = divmod(pattern, 2**mantissa_bits)
        top = exponent == 2**exponent_bits - 1
        if special == "ieee" and top:
            continue
        if special == "nan" and top and mantissa == 2**mantissa_bits - 1:
            continue
        if exponent == 0:
            value = Fraction(mantissa, 2**mantissa_bits) * Fraction(2) ** (1 - bias)
        else:
            value = (1 + Fraction(mantissa, 2**mantissa_bits)) * Fraction(2) ** (exponent - bias)
        found.append((value, pattern % 2))
    return found


def whole_numbers(bits, symmetric):
    """Integers of a width, rising, with their parity."""
    low = -(2 ** (bits - 1)) + (1 if symmetric else 0)
    return [(Fraction(value), value % 2) for value in range(low, 2 ** (bits - 1))]


def both_signs(numbers):
    """A sign-magnitude format's numbers, rising."""
    return [(-value, parity) for value, parity in reversed(numbers) if value] + numbers


def neighbours(x, numbers):
    """The number below or at x, and the one above or at it; at the ends the end."""
    after = bisect_right(numbers, x, key=lambda pair: pair[0])
    before = bisect_left(numbers, x, key=lambda pair: pair[0])
    return numbers[max(after - 1, 0)], numbers[min(before, len(numbers) - 1)]


def nearest(x, numbers):
    """Round to nearest, ties to the even bit pattern."""
    low, high = neighbours(x, numbers)
    down, up = x - low[0], high[0] - x
    if x <= numbers[0][0] or x >= numbers[-1][0] or down == up == 0:
        return low[0] if x >= numbers[-1][0] or down == up == 0 else high[0]
    if down != up:
        return low[0] if down < up else high[0]
    return low[0] if low[1] == 0 else high[0]


def block_scale(values, most_exponent):
    """Power of two that a block is read in: by halving and doubling."""
    largest = max(abs(value) for value in values)
    if largest == 0:
        return Fraction(1)
    exponent = 0
    while Fraction(2) ** (exponent + 1) <= largest:
        exponent += 1
    while Fraction(2) ** exponent > largest:
        exponent -= 1
    return Fraction(2) ** max(-127, min(127, exponent - most_exponent))
