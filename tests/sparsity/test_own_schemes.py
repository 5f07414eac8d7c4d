"""Schemes from outside, kept values, rewired masks, SNIP and GraSP against differences taken one by one."""

import pickle

import numpy as np
import pytest

import workloads
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.layers import prunable
from workloads.sparsity.schemes import REGISTRY

NET = workloads.load("lenet_300_100")


@pytest.fixture
def registered():
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def test_functions_and_objects_are_schemes():
    mask = np.random.default_rng(0).random((100, 300)) < 0.2

    def mine(network, density=0.5):
        return {"fc1": density, "fc2": mask}

    class Mine:
        def apply(self, network):
            return network.sparsify("uniform", density=0.25)

    got = NET.sparsify(mine)
    assert got.weight("fc1").density == 0.5
    assert np.array_equal(got.mask("fc2"), mask)
    assert got.weight("fc3").density == 1.0
    assert NET.sparsify(mine, density=0.1).weight("fc1").density == 0.1
    assert NET.sparsify(Mine()) == NET.sparsify("uniform", density=0.25)
    assert NET.sparsify(lambda network: network.assume(weights=0.25)).weight("fc3").density == 0.25


@pytest.mark.usefixtures("registered")
def test_registered_schemes_have_names_and_lines():
    @workloads.register_scheme("mine", source="nobody, 2020")
    def mine(network, density):
        """Keep something."""
        return dict.fromkeys(prunable(network), density)

    workloads.register_scheme("silent", lambda network: network)
    assert workloads.schemes()["mine"] == "Keep something. [nobody, 2020]"
    assert workloads.schemes()["silent"] == "Says nothing of itself. [registered]"
    assert NET.sparsify("mine", density=0.5) == NET.sparsify("uniform", density=0.5)
    with pytest.raises(
        SparsityError, match="scheme 'mine': missing a required argument: 'density'; options are: d"
    ):
        NET.sparsify("mine")
    with pytest.raises(SparsityError, match="there is a scheme 'erk'; replace=True takes its place"):
        workloads.register_scheme("erk", mine)
    workloads.register_scheme("erk", mine, replace=True)
    assert NET.sparsify("erk", density=0.5) == NET.sparsify("mine", density=0.5)


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        (lambda network: None, r"must return a network, or masks or densities by layer, got NoneType"),
        (lambda network: {"fc9": 0.5}, r"network 'lenet_300_100' has no layer 'fc9' to prune"),
        (lambda network: {"fc1": 1.5}, r"layer 'fc1': density must be in \(0, 1\], got 1.5"),
        (lambda network: {"fc1": True}, r"layer 'fc1' must get a mask or a density, got True"),
        (lambda network: {"fc1": "half"}, r"layer 'fc1' must get a mask or a density, got 'half'"),
        (lambda network: {"fc3": np.ones((2, 3))}, r"weight 'fc3.weight': shape 10x100, mask 2x3"),
        (lambda network: {"fc3": np.full((10, 100), 0.5)}, r"weight 'fc3.weight': a mask holds 0 and 1 only"),
        (lambda: 1, r"takes no network: its first argument must be one"),
        (3, r"scheme 'int' must be a function of a network, or an object with apply\(network\), got int"),
        (
            dict,
            r"scheme 'dict' must be a function of a network, or an object with apply\(network\), got type",
        ),
    ],
)
def test_schemes_that_break_the_contract_are_named(scheme, message):
    with pytest.raises(SparsityError, match=message) as caught:
        NET.sparsify(scheme)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("registered")
def test_what_is_no_scheme_is_not_registered():
    before = set(REGISTRY)
    for name, scheme, message in (
        ("no name", lambda network: network, "name must be letters, digits and _, got 'no name'"),
        ("fine", 3, "scheme 'fine' must be a function of a network"),
        ("fine", lambda *, density: density, "scheme 'fine' takes no network"),
    ):
        with pytest.raises(SparsityError, match=message):
            workloads.register_scheme(name, scheme)
    assert set(REGISTRY) == before


def test_rewired_layers_have_masks_of_what_stayed_and_came_back():
    rng = np.random.default_rng(1)
    values = {name: rng.normal(size=one.shape) for name, one in prunable(NET).items()}
    pruned = NET.sparsify("magnitude", density=0.2, weights=values)
    growth = {name: rng.normal(size=one.shape) for name, one in prunable(NET).items()}
    moved = pruned.sparsify("dnr", momentum=growth, prune=0.4, weights=values)
    assert moved.nonzero_parameters == pruned.nonzero_parameters
    for name in values:
        before, after = pruned.mask(name), moved.mask(name)
        kept = np.sort(np.abs(values[name][before]))[int(0.4 * before.sum()) :]
        stayed = before & (np.abs(values[name]) >= kept[0])
        assert (after & stayed).sum() == stayed.sum()
        came, never = after & ~stayed, ~after & ~stayed
        assert np.abs(growth[name])[came].min() >= np.abs(growth[name])[never].max(initial=0.0)
        assert moved.weight(name).known == "measured"
    unplaced = NET.sparsify("uniform", density=0.1).sparsify("dnr", momentum=dict.fromkeys(values, 1.0))
    assert all(unplaced.mask(name).sum() == unplaced.weight(name).nonzeros for name in values)
    again = NET.sparsify("uniform", density=0.1).sparsify("dnr", momentum=dict.fromkeys(values, 1.0))
    assert again == unplaced
    for bad, message in (
        (
            {"fc1": np.ones(3), "fc2": 1, "fc3": 1},
            r"momentum of 'fc1' has shape \(3,\), its weight \(300, 784\)",
        ),
        ({"fc1": -1.0, "fc2": 1, "fc3": 1}, "momentum of 'fc1' must be finite, and not negative"),
    ):
        with pytest.raises(SparsityError, match=message):
            NET.sparsify("dnr", density=0.5, momentum=bad)


def test_values_that_nobody_keeps_are_asked_for():
    with pytest.raises(SparsityError, match="weights: the network keeps no values of 'fc1'; give weights="):
        NET.sparsify("magnitude", density=0.5)


def test_imported_networks_keep_their_values():
    torch = pytest.importorskip("torch", reason="needs the torch extra")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(8, 12), torch.nn.ReLU(), torch.nn.Linear(12, 4))
    net = workloads.from_torch(module, torch.randn(1, 8))
    given = dict(module.state_dict())
    assert net.sparsify("magnitude", density=0.3) == net.sparsify("magnitude", density=0.3, weights=given)
    assert net.sparsify("n_m") == net.sparsify("n_m", weights=given)
    assert net.sparsify("synflow", density=0.3) == net.sparsify("synflow", density=0.3, weights=given)
    # what is zero stays zero: 2:4 first, then the larger half of what is left
    twice = net.sparsify("n_m").sparsify("magnitude", density=0.25)
    for name in prunable(net):
        assert not (twice.mask(name) & ~net.sparsify("n_m").mask(name)).any()
    assert net.rename("other").sparsify("magnitude", density=0.3) == net.sparsify("magnitude", density=0.3)
    there = pickle.loads(pickle.dumps(net))
    assert there == net
    with pytest.raises(SparsityError, match="keeps no values"):
        there.sparsify("magnitude", density=0.3)


def trained():
    torch = pytest.importorskip("torch", reason="needs the torch extra")
    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)).double()
    return torch, module, torch.randn(5, 3, dtype=torch.float64), torch.tensor([0, 1, 2, 1, 0])


def loss_at(torch, module, inputs, targets, name, place, by, temperature=1.0):
    """The loss and the norm of its gradient with one weight scaled by 1 + `by`."""
    import copy

    twin = copy.deepcopy(module)
    with torch.no_grad():
        dict(twin.named_parameters())[name][place] *= 1 + by
    loss = torch.nn.functional.cross_entropy(twin(inputs) / temperature, targets)
    weights = [twin[0].weight, twin[2].weight]
    slopes = torch.autograd.grad(loss, weights)
    return loss.item(), sum((slope**2).sum() for slope in slopes).item()


@pytest.mark.parametrize("scheme", ["snip", "grasp"])
def test_scores_against_differences(scheme):
    """SNIP: the loss's slope along a weight's own scale. GraSP: half that of the gradient's squared norm."""
    from workloads.sparsity.saliency import grasp_scores, snip_scores

    torch, module, inputs, targets = trained()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    if scheme == "snip":
        scores, temperature = snip_scores(module, inputs, targets), 1.0
    else:
        scores, temperature = grasp_scores(module, inputs, targets, temperature=2.0), 2.0
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert list(scores) == ["0.weight", "2.weight"]
    step = 1e-5
    for name, score in scores.items():
        for place in np.ndindex(score.shape):
            up = loss_at(torch, module, inputs, targets, name, place, step, temperature)
            down = loss_at(torch, module, inputs, targets, name, place, -step, temperature)
            slope = [(a - b) / (2 * step) for a, b in zip(up, down, strict=True)]
            want = abs(slope[0]) if scheme == "snip" else slope[1] / 2
            assert score[place] == pytest.approx(want, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("scheme", ["snip", "grasp"])
def test_masks_keep_the_highest_scores_of_all_layers(scheme):
    from workloads.sparsity import saliency

    torch, module, inputs, targets = trained()
    net = workloads.from_torch(module, inputs)
    got = net.sparsify(scheme, density=0.5, module=module, inputs=inputs, targets=targets)
    scores = getattr(saliency, f"{scheme}_scores")(module, inputs, targets)
    masks = [got.mask(name) for name in prunable(net)]
    kept = np.concatenate([score[mask] for score, mask in zip(scores.values(), masks, strict=True)])
    lost = np.concatenate([score[~mask] for score, mask in zip(scores.values(), masks, strict=True)])
    assert kept.size == lost.size == 12
    assert kept.min() > lost.max()
    own = net.sparsify(
        scheme,
        density=0.5,
        module=module,
        inputs=(inputs,),
        targets=inputs,
        loss=torch.nn.functional.mse_loss,
    )
    assert own != got
    for options, message in (
        ({"module": torch.nn.ReLU()}, "the module has no convolution or linear layer"),
        ({"module": 3}, "module must be a torch.nn.Module, got int"),
        ({"module": torch.nn.Linear(3, 3).double()}, f"{scheme}: the module has no weight for layer '0'"),
        ({"loss": lambda outputs, _: outputs}, "loss must give one number, got Tensor"),
        (
            {"loss": lambda outputs, _: outputs.sum() / 0.0},
            f"{scheme}: the loss or its gradients are no finite",
        ),
    ):
        with pytest.raises(SparsityError, match=message):
            net.sparsify(
                scheme,
                density=0.5,
                **({"module": module, "inputs": inputs, "targets": targets} | options),
            )
