"""Small ONNX models for tests, in one call."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def tensor(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def stored(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def random(name, *shape, density=1.0, seed=0):
    """Store normal values with some exact zeros."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape).astype(np.float32)
    values[values == 0] = 1
    return stored(name, np.where(rng.random(shape) < density, values, 0).astype(np.float32))


def node(operator, inputs, outputs, name="", **attributes):
    return helper.make_node(operator, inputs, outputs, name=name or f"{operator.lower()}_0", **attributes)


def model(nodes, inputs, outputs, initializers=(), opset=17, **more):
    graph = helper.make_graph(nodes, "test", inputs, outputs, initializer=list(initializers), **more)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def save(path, built):
    path.write_bytes(built.SerializeToString())
    return path


__all__ = ["FLOAT", "TensorProto", "helper", "model", "node", "onnx", "random", "save", "stored", "tensor"]
