"""The suite of `losscape bench` in PyTorch: eager, and torch.func.vmap where
that is natural. Pin it to one core:
taskset -c 0 python torch_peer.py --losscape bench.json"""

import torch
import torch.nn.functional as F
from torch.func import grad, jvp, vjp, vmap

from common import NETWORKS, TRAINED, Suite, case, points

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def forward(spec, theta, x):
    act = torch.tanh if spec["activation"] == "tanh" else torch.relu
    layers = list(zip(theta[0::2], theta[1::2]))
    for index, (weight, bias) in enumerate(layers):
        if weight.dim() == 4:
            x = F.max_pool2d(act(F.conv2d(x, weight, bias, padding=2 if index == 0 else 0)), 2)
            continue
        x = F.linear(x.flatten(1), weight, bias)
        if index + 1 < len(layers):
            x = act(x)
    return x


def dot(a, b):
    return float(sum((a.detach().double() * b.detach().double()).sum() for a, b in zip(a, b)))


def analyses(suite, name):
    spec, x, y, theta, d1, d2 = case(name)
    dtype = torch.float64 if suite.arguments.f64 else torch.float32
    x, y = torch.from_numpy(x).to(dtype), torch.from_numpy(y)
    theta, d1, d2 = (tuple(torch.from_numpy(t).to(dtype) for t in v) for v in (theta, d1, d2))
    loss = lambda theta: F.cross_entropy(forward(spec, theta, x), y)
    value = loss(theta)
    variables = tuple(t.clone().requires_grad_() for t in theta)

    if suite.wants("slice point", name):
        a, b = (torch.from_numpy(t) for t in points(spec))
        pairs = list(zip(a.tolist(), b.tolist()))

        @torch.inference_mode()
        def one_by_one():
            return [loss([torch.add(t + b * v, u, alpha=a) for t, u, v in zip(theta, d1, d2)]) for a, b in pairs]

        suite.add("slice point", name, one_by_one, value, torch.stack(one_by_one()).mean(), parts=len(pairs))
        if "LeNet" not in name:
            at = vmap(lambda a, b: loss([t + a * u + b * v for t, u, v in zip(theta, d1, d2)]), chunk_size=9)

            @torch.inference_mode()
            def row_by_row():
                return at(a, b)

            suite.add("slice point", name, row_by_row, value, row_by_row().mean(), parts=len(pairs), variant="vmap")

    if suite.wants("gradient", name):
        run = lambda: torch.autograd.grad(loss(variables), variables)
        g = run()
        suite.add("gradient", name, run, value, dot(g, g) ** 0.5)

    if suite.wants("Hessian product", name):
        # Double backward; the graph of the gradient is kept between products.
        g = torch.autograd.grad(loss(variables), variables, create_graph=True)
        run = lambda: torch.autograd.grad(g, variables, d1, retain_graph=True)
        suite.add("Hessian product", name, run, value, dot(run(), d1))
        if "LeNet" not in name:
            run = lambda: jvp(grad(loss), (theta,), (d1,))[1]
            suite.add("Hessian product", name, run, value, dot(run(), d1), variant="jvp of grad")

    if suite.wants("Gauss-Newton product", name):
        net = lambda theta: forward(spec, theta, x)

        def run():
            outputs, tangents = jvp(net, (theta,), (d1,))
            seeds = jvp(grad(lambda f: F.cross_entropy(f, y)), (outputs,), (tangents,))[1]
            return vjp(net, theta)[1](seeds)[0]

        suite.add("Gauss-Newton product", name, run, value, dot(run(), d1))

    if suite.wants("per-sample gradient norms", name):
        one = lambda theta, x, y: F.cross_entropy(forward(spec, theta, x[None]), y[None])
        gradients = vmap(grad(one), (None, 0, 0))

        def run():
            return sum(g.flatten(1).square().sum(1) for g in gradients(theta, x, y)).sqrt()

        suite.add("per-sample gradient norms", name, run, value, run().mean())


def module(spec):
    layers, shapes = [], spec["shapes"]
    for index, (outputs, inputs) in enumerate(shapes):
        layers.append(torch.nn.Linear(inputs, outputs))
        if index + 1 < len(shapes):
            layers.append(torch.nn.Tanh() if spec["activation"] == "tanh" else torch.nn.ReLU())
    return torch.nn.Sequential(*layers)


def training(suite, name, steps=20):
    spec, x, y, theta, _, _ = case(name)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    network = module(spec)
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), theta):
            parameter.copy_(torch.from_numpy(value))
    loss_function = torch.nn.CrossEntropyLoss()
    value, norm = loss_function(network(x), y), dot(network.parameters(), network.parameters()) ** 0.5
    torch.manual_seed(0)
    # Batches are drawn beforehand, so that only the step is measured.
    batches = [torch.randperm(spec["samples"])[: spec["batch"]] for _ in range(steps)]
    for variant in (None, "fused Adam"):
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=variant is not None)

        def run():
            for indices in batches:
                optimizer.zero_grad()
                loss = loss_function(network(x[indices]), y[indices])
                loss.backward()
                optimizer.step()
                loss.item()

        suite.add("training step", name, run, value, norm, parts=steps, variant=variant)


if __name__ == "__main__":
    suite = Suite(__doc__)
    for network in NETWORKS:
        analyses(suite, network)
    for network in TRAINED:
        if suite.wants("training step", network):
            training(suite, network)
    suite.finish(f"PyTorch {torch.__version__}")
