"""Steady heat in a stack: a block cut into cells, each balanced with its neighbours."""

import numpy as np
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve


def steady(layers, side_mm, sink_k_per_w, ambient_c, cells=6):
    """Mean temperature of each layer that has power.

    Parameters
    ----------
    layers
        From the heat sink outwards: (thickness in um, conductivity in W/mK, power in W spread evenly over the
        face away from the sink, cells through the thickness).
    side_mm
        Edge of the square footprint.
    sink_k_per_w
        From the first layer's face to ambient.

    """
    slices = []
    for um, k, power, deep in layers:
        slices += [(um / deep * 1e-6, k, 0.0)] * deep
        if power:
            slices.append((1e-12, k, power))  # a sheet on the far face
    edge = side_mm * 1e-3 / cells
    count, face = cells * cells, edge * edge
    number = len(slices) * count
    matrix, heat = lil_matrix((number, number)), np.zeros(number)

    def join(a, b, conductance):
        matrix[a, a] += conductance
        matrix[a, b] -= conductance

    for z, (thick, k, power) in enumerate(slices):
        for y in range(cells):
            for x in range(cells):
                here = z * count + y * cells + x
                heat[here] += power / count
                for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                    if 0 <= y + dy < cells and 0 <= x + dx < cells:
                        join(here, here + dy * cells + dx, k * thick)
                if z:
                    below = thick / (2 * k) + slices[z - 1][0] / (2 * slices[z - 1][1])
                    join(here, here - count, face / below)
                else:
                    resistance = sink_k_per_w * count + thick / (2 * k) / face
                    matrix[here, here] += 1 / resistance
                    heat[here] += ambient_c / resistance
                if z + 1 < len(slices):
                    above = thick / (2 * k) + slices[z + 1][0] / (2 * slices[z + 1][1])
                    join(here, here + count, face / above)
    found = spsolve(matrix.tocsr(), heat).reshape(len(slices), count)
    return [float(found[z].mean()) for z, (*_, power) in enumerate(slices) if power]
