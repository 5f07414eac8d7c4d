"""Prices of components against published figures that they are not made of, and the anchors they are."""

from collections.abc import Callable
from typing import NamedTuple

from hwmodels.components import arithmetic, noc
from hwmodels.components.sram import sram
from hwmodels.costs import PLACED
from hwmodels.validation.row import Evidence, Made, Row

TITLE = "Components from 65 to 5 nm"
AIM = 0.35

HOROWITZ = "Horowitz, ISSCC 2014"
JOUPPI = "Jouppi et al., ISCA 2021, table 2"
GF12 = "compiled macro of GF12LP (github harvard-acc/RecPipe)"
ASAP7 = "predictive macro, from LEF (github The-OpenROAD-Project/asap7_sram_0p0)"
DALLY = "Dally, CACM 63(7) 2020 (secondary)"
WIRES = "random data, link alone (secondary)"
SPRING = "github jha-lab/codebench, synthesis at 14 nm"

_HALF = (
    "Dally's model lies at half of what Jouppi et al. print for 7 nm, which the price follows from 14 nm on."
)
_WIDE = "The swept macros make wide accesses cheap: four times the bits take 1.9 times the energy."
_FAST = "A multiplier at 1 GHz is larger than Horowitz's, by parallel adders and drivers."


class Case(NamedTuple):
    """A published figure with our function for it."""

    quantity: str
    node_nm: float
    unit: str
    published: float
    ours: Callable[[], float]
    source: str
    note: str = ""


def _operation(name: str, node: float, volts: float | None = None) -> Callable[[], float]:
    return lambda: arithmetic.operations_pj(node, volts)[name]


def _macro_um2(size: int, width: int, node: float) -> Callable[[], float]:
    return lambda: float(sram(size, width, node).area_mm2) * 1e6


def _read_pj(size: int, width: int, node: float, volts: float | None = None) -> Callable[[], float]:
    return lambda: float(sram(size, width, node, voltage=volts).read_pj_per_byte) * width / 8


def _bit_fj(size: int, node: float) -> Callable[[], float]:
    return lambda: float(sram(size, 64, node).read_pj_per_byte) / 8e-3


def _wire_fj(node: float, volts: float) -> Callable[[], float]:
    return lambda: float(noc.wire_pj_per_bit_mm(node, volts)) * 1e3


def _multiplier_um2(bits: int, node: float) -> float:
    """Area of a multiplier alone: the unit without its adder of one bit and its registers."""
    unit = arithmetic.mac(bits, bits, 1e-6, node, pipeline_bits=0)
    return float(unit.area_um2)


FP8 = arithmetic.NumberFormat.FP8_E4M3


def _unit_um2(code: arithmetic.NumberFormat) -> float:
    """Area of a unit of 8 bits at 7 nm without its registers."""
    return float(arithmetic.mac(8, 8, 32, 7, number_format=code, pipeline_bits=0).area_um2)


def _put_together(significand: int, node: float) -> Callable[[], float]:
    """A float multiplier made of its significands' and what surrounds it."""
    return lambda: arithmetic.float_multiply_pj(significand, node)


ANCHORS = (
    *(
        Case(f"{name}, 45 nm", 45, "pJ", pj, _operation(name, 45, 0.9), HOROWITZ)
        for name, pj in (
            ("multiply int8", 0.2),
            ("add int32", 0.1),
            ("multiply fp32", 3.7),
            ("add fp32", 0.9),
        )
    ),
    *(
        Case(f"{name}, 7 nm", 7, "pJ", pj, _operation(name, 7), JOUPPI)
        for name, pj in (
            ("multiply int8", 0.07),
            ("add int32", 0.03),
            ("multiply bf16", 0.21),
            ("multiply fp32", 1.31),
            ("add fp32", 0.38),
        )
    ),
    *(
        Case(
            f"SRAM {size >> 10} KiB, 64 bits, {node} nm",
            node,
            "pJ",
            pj,
            _read_pj(size, 64, node, volts),
            source,
        )
        for size, node, volts, pj, source in (
            (8192, 45, 0.9, 10, HOROWITZ),
            (32768, 45, 0.9, 20, HOROWITZ),
            (1048576, 45, 0.9, 100, HOROWITZ),
            (8192, 7, None, 7.5, JOUPPI),
            (32768, 7, None, 8.5, JOUPPI),
            (1048576, 7, None, 14, JOUPPI),
        )
    ),
    Case(
        "128 MiB of common memory, 7 nm", 7, "mm2", 112, lambda: _macro_um2(2**27, 64, 7)() * 1e-6, "TPUv4i"
    ),
)
"""What the tables are made of."""

CHECKS = (
    Case("multiply bf16 as put together, 7 nm", 7, "pJ", 0.21, _put_together(8, 7), JOUPPI),
    Case(
        "FP8 MAC with fp32 sums and registers, 28 nm",
        28,
        "pJ",
        1.098,
        lambda: (
            float(arithmetic.mac(8, 8, 32, 28, number_format=FP8).energy_pj)
            + float(arithmetic.register(48, 28).energy_pj)
        ),
        "arXiv 2604.04507, synthesis at 1.94 GHz (FP8 or two FP4)",
    ),
    Case(
        "FP8 over int8 MAC, exact sums, area",
        7,
        "x",
        1.40,
        lambda: _unit_um2(arithmetic.NumberFormat.MXFP8_E4M3) / _unit_um2(arithmetic.NumberFormat.MXINT8),
        "van Baalen et al., arXiv 2303.17951, synthesis (secondary)",
    ),
    Case(
        "int16 addition, 45 nm",
        45,
        "pJ",
        0.05,
        lambda: float(arithmetic.mac(8, 8, 16, 45, 0.9, pipeline_bits=0).energy_pj) - 0.2,
        HOROWITZ,
    ),
    Case(
        "int16 addition, 45 nm, area",
        45,
        "um2",
        67,
        lambda: float(arithmetic.mac(8, 8, 16, 45, pipeline_bits=0).area_um2) - 282,
        HOROWITZ,
    ),
    Case(
        "flip-flop written, 40 nm",
        40,
        "fJ",
        9.0,
        lambda: float(arithmetic.register(1, 40).energy_pj) * 1e3,
        "Aladdin",
    ),
    Case("flip-flop, 40 nm", 40, "um2", 5.98, lambda: float(arithmetic.register(1, 40).area_um2), "Aladdin"),
    Case(
        "one-multiplier lane with rounding, 14 nm",
        14,
        "um2",
        597.96,
        lambda: (
            float(arithmetic.mac(20, 20, 44, 14).area_um2 + arithmetic.register(124, 14).area_um2) + 79.04
        ),
        SPRING,
    ),
    Case(
        "SRAM 128 KiB, 64 bits, 45 nm", 45, "um2", 469412, _macro_um2(131072, 64, 45), "Han et al., ISCA 2016"
    ),
    *(
        Case(f"SRAM {size} B, {width} bits, 12 nm", 12, "um2", area, _macro_um2(size, width, 12), GF12)
        for size, width, area in ((4096, 16, 4684), (32768, 16, 29142), (262144, 32, 183290))
    ),
    *(
        Case(f"SRAM {size} B, {width} bits, 7 nm", 7, "um2", area, _macro_um2(size, width, 7), ASAP7)
        for size, width, area in (
            (512, 16, 249.1),
            (1024, 16, 414.7),
            (2048, 16, 786.6),
            (2048, 64, 747.4),
            (4096, 64, 1244),
            (8192, 64, 2360),
        )
    ),
    Case(
        "SRAM 1 MiB, 7 nm, density",
        7,
        "Mb/mm2",
        29.2,
        lambda: 8 * 1.048576 / (_macro_um2(1048576, 64, 7)() * 1e-6),
        "unnamed 7 nm UHD macro (secondary)",
    ),
    Case(
        "256 bits of 8 KiB, 28 nm", 28, "pJ", 50, _read_pj(8192, 256, 28), "Dally, SC 2010 (secondary)", _WIDE
    ),
    *(
        Case(f"SRAM {size >> 10} KiB, 14 nm, a bit", 14, "fJ", fj, _bit_fj(size, 14), DALLY, _HALF)
        for size, fj in ((8192, 50 + 0.022 * 65536**0.5), (1048576, 50 + 0.022 * 8388608**0.5))
    ),
    Case(
        "wire, 40 nm, 0.9 V",
        40,
        "fJ/bit/mm",
        121,
        _wire_fj(40, 0.9),
        f"Keckler et al., IEEE Micro 2011; {WIRES}",
    ),
    Case("wire, 28 nm", 28, "fJ/bit/mm", 100, _wire_fj(28, 0.9), "Dally, SC 2010; 256-bit bus (secondary)"),
    Case("wire, 10 nm, 0.75 V", 10, "fJ/bit/mm", 78, _wire_fj(10, 0.75), f"Keckler et al., 2011; {WIRES}"),
    Case(
        "wire, 7 nm, 0.485 V",
        7,
        "fJ/bit/mm",
        28,
        _wire_fj(7, 0.485),
        "ET-SoC-1, measured, 25 to 31 (secondary)",
    ),
    Case("wire, 5 nm", 5, "fJ/bit/mm", 50, _wire_fj(5, 0.7), "Dally, NOCS 2022 (secondary)"),
    Case(
        "16 multipliers of 16 bits, 16 nm",
        16,
        "mm2",
        0.008,
        lambda: 16 * _multiplier_um2(16, 16) / PLACED * 1e-6,
        "Parashar et al., ISCA 2017, table 4",
        _FAST,
    ),
    Case(
        "crossbar of 16 x 32, 24 bits, 16 nm",
        16,
        "mm2",
        0.026,
        lambda: float(noc.crossbar(16, 32, 24, 16).area_mm2) / PLACED,
        "Parashar et al., ISCA 2017, table 4",
    ),
)
"""Figures that no table here holds."""


def rows() -> list[Row]:
    """Anchors, which are derived, and checks with one aim for all."""
    found = [_row(case, 1e-6, Evidence.DERIVED) for case in ANCHORS]
    return [*found, *(_row(case, AIM, Evidence.SIMULATED) for case in CHECKS)]


def _row(case: Case, tolerance: float, evidence: Evidence) -> Row:
    return Row(
        quantity=case.quantity,
        unit=case.unit,
        published=case.published,
        ours=case.ours(),
        tolerance=tolerance,
        made=Made.PRICE,
        source=case.source,
        evidence=evidence,
        note=case.note,
    )
