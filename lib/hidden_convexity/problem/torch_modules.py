"""The weights of PyTorch modules that are two-layer networks, and modules of given weights."""

import numpy as np

FORMS = (
    "module must be torch.nn.Sequential(Linear, ReLU or LeakyReLU, Linear), or Sequential(Conv1d "
    "or Conv2d, ReLU or LeakyReLU, AdaptiveAvgPool1d(1) or AdaptiveAvgPool2d(1), Flatten, Linear)"
)


def read_module(module, skip):
    """The arguments of `ReLUNetwork` that make it module + skip; see its `from_torch`."""
    torch = _torch("from_torch() reads a PyTorch module")
    nn = torch.nn
    layers = list(module.children()) if isinstance(module, nn.Sequential) else []
    kinds = tuple(type(layer) for layer in layers)
    dense = [nn.Linear, nn.Linear]
    one = [nn.Conv1d, nn.AdaptiveAvgPool1d, nn.Flatten, nn.Linear]
    two = [nn.Conv2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Linear]
    if [*kinds[:1], *kinds[2:]] not in (dense, one, two) or kinds[1] not in (nn.ReLU, nn.LeakyReLU):
        names = ", ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{FORMS}; got {type(module).__name__}({names})")
    first, act, last = layers[0], layers[1], layers[-1]
    if not isinstance(first, nn.Linear):
        _check_convolution(first, layers[2])
    hidden = _array(first.weight.flatten(1))
    if first.bias is not None:
        hidden = np.concatenate([hidden, _array(first.bias)[:, None]], axis=1)
    output = _array(last.weight).T
    intercept = None if last.bias is None else _array(last.bias)
    line = None
    if skip is not None:
        line, constant = _read_skip(skip, first, last)
        if constant is not None:
            intercept = constant if intercept is None else intercept + constant
    if output.shape[1] == 1:
        output, intercept = output[:, 0], None if intercept is None else intercept[0]
        line = None if line is None else line[:, 0]
    slope = getattr(act, "negative_slope", 0.0)
    return {
        "hidden_weights": hidden,
        "output_weights": output,
        "slope": slope,
        "skip": line,
        "intercept": intercept,
    }


def _read_skip(skip, first, last):
    """Weights (d, c) and constant (c,) or None of a skip connection beside these two layers."""
    linear = type(first)
    sizes = getattr(first, "in_features", None), last.out_features
    given = getattr(skip, "in_features", None), getattr(skip, "out_features", None)
    if type(skip) is not linear or given != sizes:
        raise ValueError(
            "skip must be a torch.nn.Linear beside Sequential(Linear, ReLU or LeakyReLU, Linear), "
            f"with its inputs and outputs, {sizes}; got {skip}"
        )
    line = _array(skip.weight).T
    if first.bias is not None:  # the column of ones has a constant already, that of the output
        line = np.concatenate([line, np.zeros((1, line.shape[1]))])
    return line, None if skip.bias is None else _array(skip.bias)


def _torch(purpose):
    try:
        import torch
    except ImportError as error:
        raise ImportError(f'{purpose}: pip install "hidden-convexity[torch]"') from error
    return torch


def _check_convolution(layer, pooling):
    sizes = pooling.output_size
    if {*np.ravel(layer.padding)} - {0, "valid"} or layer.groups != 1 or {*layer.dilation} != {1}:
        raise ValueError(f"the convolution must have no padding, groups or dilation, got {layer}")
    if {*np.ravel(sizes)} != {1}:
        raise ValueError(f"pooling must average over all positions: output_size 1, got {sizes}")


def _array(tensor):
    return tensor.detach().cpu().double().numpy()


def make_module(network, kernel):
    """A module with a network's weights; see `ReLUNetwork.to_torch`."""
    torch = _torch("to_torch() makes a PyTorch module")
    if network.skip is not None:
        raise ValueError(
            "torch.nn.Sequential has no skip connection: take to_torch() of "
            "network.with_free_terms(None, network.intercept), and beside it a torch.nn.Linear of "
            f"network.skip; got {network!r}"
        )
    nn, double = torch.nn, {"dtype": torch.float64}
    m, d = network.hidden_weights.shape
    output = np.atleast_2d(network.output_weights.T).T
    biased = network.intercept is not None
    last = nn.Linear(m, output.shape[1], bias=biased, **double)
    phi = nn.ReLU() if network.slope == 0 else nn.LeakyReLU(network.slope)
    if kernel is None:
        layers = [nn.Linear(d, m, bias=False, **double), phi, last]
    elif len(kernel) in (2, 3) and np.prod(kernel) == d:
        conv, pool = [(nn.Conv1d, nn.AdaptiveAvgPool1d), (nn.Conv2d, nn.AdaptiveAvgPool2d)][
            len(kernel) - 2
        ]
        first = conv(kernel[0], m, tuple(kernel[1:]), bias=False, **double)
        layers = [first, phi, pool(1), nn.Flatten(), last]
    else:
        raise ValueError(
            f"kernel must be (channels, length) or (channels, height, width) with {d} entries in "
            f"all, got {kernel}"
        )
    with torch.no_grad():
        layers[0].weight.copy_(torch.tensor(network.hidden_weights).reshape(layers[0].weight.shape))
        last.weight.copy_(torch.tensor(output.T))
        if biased:
            last.bias.copy_(torch.tensor(np.atleast_1d(network.intercept)))
    return nn.Sequential(*layers)
