"""How much longer the fullest lane works than the mean, in closed form.

A lane's work between two waits is a sum of many elements, near enough normal: its expected largest of P is
mean + deviation x (z + skewness (z2 - 1) / 6), the Cornish-Fisher expansion at the largest of P normals, kept
between the mean and all elements. `workloads.sparsity.imbalance.expected_imbalance` has the exact sum.
"""

import math

from hwmodels.accelerate import kernel

# Acklam's rational approximation of the normal quantile, relative error below 1.2e-9.
_A = (-3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.383577518672690e2)
_A2 = (-3.066479806614716e1, 2.506628277459239)
_B = (-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1)
_B2 = -1.328068155288572e1
_C = (-7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734)
_C2 = (4.374664141464968, 2.938163982698783)
_D = (7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416)
_LOWER_TAIL = 0.02425


@kernel
def upper_quantile(tail: float) -> float:
    """Where a standard normal exceeds with probability `tail`, in (0, 1/2]."""
    if tail < _LOWER_TAIL:
        q = math.sqrt(-2.0 * math.log(tail))
        top = ((((_C[0] * q + _C[1]) * q + _C[2]) * q + _C[3]) * q + _C2[0]) * q + _C2[1]
        return -top / ((((_D[0] * q + _D[1]) * q + _D[2]) * q + _D[3]) * q + 1.0)
    q = 0.5 - tail
    r = q * q
    top = (((((_A[0] * r + _A[1]) * r + _A[2]) * r + _A[3]) * r + _A2[0]) * r + _A2[1]) * q
    return top / (((((_B[0] * r + _B[1]) * r + _B[2]) * r + _B[3]) * r + _B2) * r + 1.0)


@kernel
def largest_normal(count: float) -> float:
    """Expected largest of `count` standard normals, in deviations (Blom, 1958): 4 % off for two, 2 % at 4."""
    return upper_quantile(0.625 / (count + 0.25)) if count > 1.0 else 0.0


@kernel
def excess(elements: float, density: float, dispersion: float, lanes: float) -> float:
    """Expected largest work of `lanes` lanes over the mean work, less one.

    Parameters
    ----------
    elements, density
        Elements of a lane's work and the share of them that is work, in (0, 1].
    dispersion
        Variance of lanes' work over the binomial one; counts up to `elements`.
    lanes
        Lanes that wait for one another.

    Notes
    -----
    Skewness of the binomial or, if dispersed, the beta-binomial distribution (Griffiths, Biometrics 29,
    1973); negative skewness counts as none, which keeps density x (1 + excess) rising with density. Never
    below the exact sum by more than 0.3 %; above it by less than 3 % for binomial and 7 % for over-dispersed
    work where a lane expects 25 or more, and by at most 18 % for binomial work of any size.

    """
    if density >= 1.0 or lanes <= 1.0 or elements <= 1.0:
        return 0.0
    spread = min(dispersion, elements)
    mean = elements * density
    binomial = math.sqrt(mean * (1.0 - density))
    skew = max(1.0 - 2.0 * density, 0.0) / binomial
    if spread > 1.0:
        strength = (elements - spread) / (spread - 1.0)
        skew *= (strength + 2.0 * elements) / (strength + 2.0)
        skew *= math.sqrt((1.0 + strength) / (elements + strength))
    z = largest_normal(lanes)
    z_spread = min(1.0, math.pi**2 / (12.0 * math.log(lanes)))  # variance of the largest of many normals
    over = math.sqrt(spread) * binomial * (z + skew * (z * z + z_spread - 1.0) / 6.0)
    return max(min(over, elements - mean), 0.0) / mean
