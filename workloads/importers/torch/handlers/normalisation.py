"""Normalisations and softmax."""

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.handlers.registry import handles
from workloads.operations import BatchNorm, Normalisation, Softmax
from workloads.shapes import Shape
from workloads.tensors import Weight


def _affine(call: Call, builder: Builder, *, flat: bool = False) -> dict[str, Weight]:
    """Return scale and shift where there are any, one number a channel where asked for flat."""
    weights = {}
    for argument, role in (("weight", "scale"), ("bias", "shift")):
        if call.has(argument):
            constant = builder.need_constant(call, argument)
            shape: Shape = (constant.elements,) if flat else constant.shape
            weights[role] = builder.weight(constant.reshaped(shape), f"{call.name}.{role}")
    if "shift" in weights and "scale" not in weights:
        call.refuse("has a shift and no scale")
    return weights


@handles("batch_norm", "_native_batch_norm_legit_no_training", "native_batch_norm", "cudnn_batch_norm")
def batch_norm(call: Call, builder: Builder) -> Value:
    """Add a batch norm at inference; mean and variance are statistics, not parameters.

    One that keeps no statistics takes the batch's own: it is a norm over everything but the channels.
    """
    tensor = builder.tensor(call, "input")
    weights = _affine(call, builder, flat=True)
    if call.get("training", False):
        if call.has("running_mean"):
            call.refuse("takes the batch's statistics: module.eval() must reach it")
        over = tuple(axis for axis in range(len(tensor.shape)) if axis != 1)
        affine = weights["scale"].shape if weights else ()
        norm = Normalisation(call.name, over=over, affine=affine, shift="shift" in weights, label="batchnorm")
        made = builder.emit(call, norm, tensor.name, weights=weights)
        return made if call.operator == "aten.batch_norm" else (made, None, None)
    for role in ("scale", "shift"):  # without parameters its statistics still scale and shift
        label = f"{call.name}.{role}"
        weights.setdefault(role, Weight(label, (tensor.shape[1],), trained=False))
    made = builder.emit(call, BatchNorm(call.name), tensor.name, weights=weights)
    return made if call.operator == "aten.batch_norm" else (made, None, None)


@handles("layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm")
def layer_norm(call: Call, builder: Builder) -> Value:
    """Add a layer or RMS norm over the last axes."""
    tensor = builder.tensor(call, "input")
    rank = len(tensor.shape)
    rms = "rms" in call.operator
    weights = _affine(call, builder)
    operation = Normalisation(
        call.name,
        over=tuple(range(rank - len(call.integers("normalized_shape")), rank)),
        centred=not rms,
        affine=weights["scale"].shape if weights else (),
        shift="shift" in weights,
        label="rmsnorm" if rms else "layernorm",
    )
    made = builder.emit(call, operation, tensor.name, weights=weights)
    return made if call.operator in ("aten.layer_norm", "aten.rms_norm") else (made, None, None)


@handles("group_norm", "native_group_norm")
def group_norm(call: Call, builder: Builder) -> Value:
    """Add a norm over groups of channels."""
    tensor = builder.tensor(call, "input")
    weights = _affine(call, builder, flat=True)
    operation = Normalisation(
        call.name,
        over=tuple(range(1, len(tensor.shape))),
        affine=weights["scale"].shape if weights else (),
        groups=call.integer("num_groups" if call.has("num_groups") else "group", 1),
        shift="shift" in weights,
        label="groupnorm",
    )
    made = builder.emit(call, operation, tensor.name, weights=weights)
    return made if call.operator == "aten.group_norm" else (made, None, None)


@handles("instance_norm")
def instance_norm(call: Call, builder: Builder) -> str:
    """Add a norm over each channel's own positions."""
    tensor = builder.tensor(call, "input")
    weights = _affine(call, builder, flat=True)
    operation = Normalisation(
        call.name,
        over=tuple(range(2, len(tensor.shape))),
        affine=weights["scale"].shape if weights else (),
        shift="shift" in weights,
        label="instancenorm",
    )
    return builder.emit(call, operation, tensor.name, weights=weights)


@handles("softmax", "_softmax", "log_softmax", "_log_softmax", "special_softmax", "_safe_softmax")
def softmax(call: Call, builder: Builder) -> str:
    """Add a softmax, or its logarithm, which costs the same."""
    tensor = builder.tensor(call)
    operation = Softmax(call.name, (call.integer("dim"),), logarithm="log_softmax" in call.operator)
    return builder.emit(call, operation, tensor.name)
