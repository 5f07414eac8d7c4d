"""Operations that hand each other tiles: fused groups, joined on counts under a certificate.

The equations are in `docs/fusion.md`.
"""

from hwmodels.fusion.capacity import TrafficFront, capacity_front, traffic_at
from hwmodels.fusion.group import Group, product_chain
from hwmodels.fusion.packed import Packed

__all__ = ["Group", "Packed", "TrafficFront", "capacity_front", "product_chain", "traffic_at"]
