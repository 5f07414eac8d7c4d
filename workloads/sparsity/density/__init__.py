"""Where the zeros of a tensor lie: one class a structure, all answering the same questions about tiles."""

from workloads.sparsity.density.banded import Banded
from workloads.sparsity.density.block import Block
from workloads.sparsity.density.channel import Channel
from workloads.sparsity.density.mask import Mask
from workloads.sparsity.density.model import DensityModel
from workloads.sparsity.density.n_m import NM
from workloads.sparsity.density.periodic import Periodic
from workloads.sparsity.density.profile import Profile
from workloads.sparsity.density.uniform import Uniform

__all__ = ["NM", "Banded", "Block", "Channel", "DensityModel", "Mask", "Periodic", "Profile", "Uniform"]
