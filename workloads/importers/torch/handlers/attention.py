"""Scaled dot-product attention."""

from workloads.importers.torch.builder import Builder
from workloads.importers.torch.call import Call
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.flexible import FLEXIBLE, is_causal, operands, score_ops
from workloads.importers.torch.handlers.registry import handles
from workloads.operations import Attention, Expand
from workloads.shapes import Shape, broadcast, size


@handles("scaled_dot_product_attention")
def attention(call: Call, builder: Builder) -> str:
    """Add fused attention; a constant mask is a setting, one that is computed or learnt is read.

    Leading axes broadcast as PyTorch lets them; heads of keys and values that fewer share stay as they are.
    """
    inputs = [_operand(call, builder, name) for name in ("query", "key", "value")]
    rank = max(3, *(len(builder.shape(name)) for name in inputs))
    shapes = [(1,) * (rank - len(builder.shape(name))) + builder.shape(name) for name in inputs]
    if min(len(builder.shape(name)) for name in inputs) < 2:
        call.refuse(f"queries, keys and values have shapes {shapes}, expected 2 dimensions or more")
    apart = rank > 3  # heads have an axis of their own
    cut = -3 if apart else -2
    batch = broadcast(*(shape[:cut] for shape in shapes))
    if apart:
        shared = broadcast(shapes[1][-3:-2], shapes[2][-3:-2])
        heads: list[Shape] = [broadcast(shapes[0][-3:-2], shared) if shapes[0][-3] == 1 else shapes[0][-3:-2]]
        heads += [shared, shared]
    else:
        heads = [(), (), ()]
    wanted = [(*batch, *head, *shape[-2:]) for head, shape in zip(heads, shapes, strict=True)]
    inputs = [
        _spread(call, builder, name, shape, len(batch)) for name, shape in zip(inputs, wanted, strict=True)
    ]
    query_heads, kv_heads = (heads[0][0], heads[1][0]) if apart else (1, 1)
    mask = builder.argument(call, "attn_mask")
    if isinstance(mask, Constant) and mask.trained:  # positions that are learnt
        mask = builder.rows(call, mask) if mask.picks else builder.stored(mask, f"{call.name}.mask")
    if isinstance(mask, str):
        inputs.append(mask)
    causal = bool(call.get("is_causal", False))
    made = builder.step(Attention(call.name, query_heads, kv_heads, causal=causal), *inputs)
    return builder.reshaped(call, made, call.shape())


@handles(FLEXIBLE, library="")
def flexible(call: Call, builder: Builder) -> tuple[str, None, None]:
    """Add fused attention with functions of scores and masks; tensors that these read are read like masks."""
    node, owner = call.node, call.node.graph.owning_module
    query, key, value = (_tensor(builder, builder.values[one]) for one in operands(node)[:3])
    score, mask = (getattr(owner, one.target) for one in (node.args[3], node.args[4][-1]))
    lengths = builder.shape(query)[2], builder.shape(key)[2]
    extra = len(node.args[7]), len(node.args[8])
    read = [builder.values[one] for one in operands(node)[3:]]
    masks = [
        builder.stored(one, f"{call.name}.mask") if isinstance(one, Constant) else one
        for one in dict.fromkeys(read)
        if isinstance(one, str) or (isinstance(one, Constant) and one.trained)
    ]
    operation = Attention(
        call.name,
        builder.shape(query)[1],
        builder.shape(key)[1],
        causal=is_causal((score, mask), extra, *lengths),
        score_ops=score_ops(score),
    )
    batch = builder.shape(query)[0]
    key, value = (
        name
        if builder.shape(name)[0] == batch
        else _spread(call, builder, name, (batch, *builder.shape(name)[1:]), 1)
        for name in (key, value)
    )
    return builder.emit(call, operation, query, key, value, *masks[:2]), None, None


def _tensor(builder: Builder, value: object) -> str:
    return builder.stored(value, "stored") if isinstance(value, Constant) else str(value)


def _operand(call: Call, builder: Builder, name: str) -> str:
    """Return an operand; one that is known beforehand is read like the others."""
    value = builder.argument(call, name)
    return builder.rows(call, value) if isinstance(value, Constant) else builder.tensor(call, name).name


def _spread(call: Call, builder: Builder, name: str, shape: Shape, lead: int) -> str:
    """Repeat a tensor to a shape where it broadcasts to it, and make its leading axes one."""
    have = builder.shape(name)
    if size(have) != size(shape):
        name = builder.step(Expand(builder.part(call, "copies"), shape), name)
    return builder.reshaped(call, name, (size(shape[:lead]), *shape[lead:]), "batch")
