"""Scaled dot-product attention."""

from workloads.importers.torch.builder import Builder
from workloads.importers.torch.call import Call
from workloads.importers.torch.handlers.registry import handles
from workloads.operations import Attention
from workloads.shapes import size


@handles("scaled_dot_product_attention")
def attention(call: Call, builder: Builder) -> str:
    """Add fused attention; a constant mask is a setting, one that is computed is read."""
    inputs = [builder.tensor(call, name).name for name in ("query", "key", "value")]
    shapes = [builder.shape(name) for name in inputs]
    if min(map(len, shapes)) < 3 or len({len(shape) for shape in shapes}) > 1:
        call.refuse(f"queries, keys and values have shapes {shapes}, expected 3 dimensions or more")
    if len(shapes[0]) > 4:
        lead = len(shapes[0]) - 3
        inputs = [
            builder.reshaped(call, name, (size(shape[:lead]), *shape[lead:]), "batch")
            for name, shape in zip(inputs, shapes, strict=True)
        ]
        shapes = [builder.shape(name) for name in inputs]
    heads, kv_heads = (1, 1) if len(shapes[0]) == 3 else (shapes[0][1], shapes[1][1])
    if builder.flows(call, "attn_mask"):
        inputs.append(builder.tensor(call, "attn_mask").name)
    causal = bool(call.get("is_causal", False))
    made = builder.step(Attention(call.name, heads, kv_heads, causal=causal), *inputs)
    return builder.reshaped(call, made, call.shape())
