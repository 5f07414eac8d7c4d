"""Eyeriss v1 from its paper: latency, traffic and energy of row-stationary layers on the loop-nest engine.

Chen, Krishna, Emer, Sze, "Eyeriss: An Energy-Efficient Reconfigurable Accelerator for Deep Convolutional
Neural Networks", IEEE JSSC 52(1), 2017. Sections and tables named in these modules are that paper's.
"""

from hwmodels.validation.silicon.eyeriss_v1.energy import Calibration, calibrate, component_energy_j, energy_j
from hwmodels.validation.silicon.eyeriss_v1.layers import Layer, layers
from hwmodels.validation.silicon.eyeriss_v1.model import Figures, run
from hwmodels.validation.silicon.eyeriss_v1.traffic import coded_bytes

__all__ = [
    "Calibration",
    "Figures",
    "Layer",
    "calibrate",
    "coded_bytes",
    "component_energy_j",
    "energy_j",
    "layers",
    "run",
]
