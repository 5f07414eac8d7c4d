"""How many vector operations element-wise functions and reductions cost: this project's convention.

One vector operation is one addition, multiplication, comparison, selection, or bit-wise step on one element
by one lane of a vector unit. A function without such a step (exp, log, reciprocal, square root, erf, tanh,
sigmoid) is a table look-up with linear interpolation: one look-up, one multiplication, one addition. Assumed:
units with other function evaluators exist; the count is a unit of work to be priced, not a claim about one
machine.
"""

LOOKUP = 3
"""A function by table and linear interpolation."""

UNARY: dict[str, int] = {
    # one step
    **dict.fromkeys(
        ("abs", "neg", "relu", "ceil", "floor", "round", "not", "bitwise_not", "cast", "affine"), 1
    ),
    **dict.fromkeys(("isnan", "isinf"), 1),
    # two or three steps
    "sign": 2,
    "clip": 2,  # two comparisons
    "relu6": 2,
    "leaky_relu": 2,  # multiply, maximum
    "prelu": 2,
    "thresholded_relu": 2,
    "shrink": 3,
    "nan_to_num": 3,  # three selections
    "hard_sigmoid": 4,  # multiply, add, two comparisons
    "hard_swish": 5,  # hard sigmoid, multiply
    "square": 1,
    # one look-up
    **dict.fromkeys(
        (
            *("exp", "log", "sqrt", "rsqrt", "reciprocal", "erf", "tanh", "sigmoid", "softplus"),
            *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh"),
        ),
        LOOKUP,
    ),
    # made of the above
    "softsign": 2 + LOOKUP,  # abs, add, look-up of the reciprocal; its multiplication is the last
    "elu": 2 + LOOKUP,  # exp, scale, select
    "celu": 3 + LOOKUP,
    "selu": 3 + LOOKUP,
    "silu": 1 + LOOKUP,  # sigmoid, multiply
    "gelu": 4 + LOOKUP,  # scale, erf, add 1, multiply, halve
    "gelu_tanh": 7
    + LOOKUP,  # cube (2), scale, add, scale, tanh, add 1, multiply; halving joins the last scale
    "mish": 1 + 2 * LOOKUP,  # softplus, tanh, multiply
    "quantize": 4,  # scale, round, two comparisons
    "dequantize": 2,  # subtract zero point, scale
    "random": 7,  # three shifts and three exclusive ors (Marsaglia, J. Stat. Software 8, 2003), scale
    "random_normal": 6 + LOOKUP,  # the same, and a look-up of the normal distribution's quantile
}
"""Operations an element of functions of one argument."""

BINARY: dict[str, int] = {
    **dict.fromkeys(("add", "sub", "mul", "min", "max", "equal", "less", "greater", "less_equal"), 1),
    **dict.fromkeys(("greater_equal", "not_equal", "and", "or", "xor", "bitwise", "shift", "where"), 1),
    "div": 1 + LOOKUP,  # reciprocal, multiply
    "mod": 3 + LOOKUP,  # divide, floor, multiply-subtract counted as one step
    "pow": 1 + 2 * LOOKUP,  # log, multiply, exp
    "complex_mul": 6,  # four products, two sums
    **dict.fromkeys(("complex_add", "complex_sub", "complex_scale"), 2),  # both parts, by themselves
    "mean": 1,  # the division is one multiplication more, see Elementwise
}
"""Operations an element of functions of two or more arguments, for each argument after the first."""

REDUCTIONS: dict[str, tuple[int, int]] = {
    "sum": (1, 0),
    "mean": (1, 1),
    "max": (1, 0),
    "min": (1, 0),
    "prod": (1, 0),
    "argmax": (1, 0),
    "argmin": (1, 0),
    "l1": (2, 0),
    "l2": (2, LOOKUP),
    "sum_square": (2, 0),
    "log_sum": (1, LOOKUP),
    "log_sum_exp": (1 + LOOKUP, LOOKUP),
}
"""Operations an element that is reduced away, and operations a result."""
