"""The suite of `losscape bench` in JAX: jitted, points of a slice by lax.map,
Hessian-vector products as the jvp of the gradient. Pin it to one core:
taskset -c 0 python jax_peer.py --losscape bench.json"""

import os
import sys

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy

from common import NETWORKS, TRAINED, Suite, case, points

jax.config.update("jax_enable_x64", "--f64" in sys.argv)


def forward(spec, theta, x, channels_last):
    """XLA's convolutions and pooling are faster in one order of the axes here
    and in the other there, so both are measured."""
    act = jnp.tanh if spec["activation"] == "tanh" else jax.nn.relu
    layers = list(zip(theta[0::2], theta[1::2]))
    if channels_last:
        x = x.transpose(0, 2, 3, 1)
    for index, (weight, bias) in enumerate(layers):
        if weight.ndim == 4:
            padding = "SAME" if index == 0 else "VALID"
            if channels_last:
                order, weight = ("NHWC", "HWIO", "NHWC"), weight.transpose(2, 3, 1, 0)
                x = act(jax.lax.conv_general_dilated(x, weight, (1, 1), padding, dimension_numbers=order) + bias)
                window = (1, 2, 2, 1)
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
            else:
                x = act(jax.lax.conv_general_dilated(x, weight, (1, 1), padding) + bias[:, None, None])
                n, c, h, w = x.shape
                x = x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))
            continue
        if x.ndim == 4 and channels_last:
            x = x.transpose(0, 3, 1, 2)
        x = x.reshape(x.shape[0], -1) @ weight.T + bias
        if index + 1 < len(layers):
            x = act(x)
    return x


def cross_entropy(outputs, y):
    chosen = jnp.take_along_axis(outputs, y[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(outputs, axis=1) - chosen)


def tree_dot(a, b):
    return sum(float(numpy.vdot(numpy.asarray(a, "f8"), numpy.asarray(b, "f8"))) for a, b in zip(a, b))


def analyses(suite, name, channels_last=False):
    order = "channels last" if channels_last else None
    spec, x, y, theta, d1, d2 = case(name)
    dtype = jnp.float64 if suite.arguments.f64 else jnp.float32
    x, y = jnp.asarray(x, dtype), jnp.asarray(y, jnp.int32)
    theta, d1, d2 = ([jnp.asarray(t, dtype) for t in v] for v in (theta, d1, d2))
    loss = lambda theta, x, y: cross_entropy(forward(spec, theta, x, channels_last), y)
    value = jax.jit(loss)(theta, x, y)

    if suite.wants("slice point", name):
        a, b = (jnp.asarray(t) for t in points(spec))

        @jax.jit
        def grid(theta, d1, d2, x, y):
            point = lambda ab: loss([t + ab[0] * u + ab[1] * v for t, u, v in zip(theta, d1, d2)], x, y)
            return jax.lax.map(point, (a, b))

        run = lambda: grid(theta, d1, d2, x, y).block_until_ready()
        suite.add("slice point", name, run, value, run().mean(), parts=len(a), variant=order)
        point = jax.jit(lambda theta, d1, d2, x, y, a, b: loss([t + a * u + b * v for t, u, v in zip(theta, d1, d2)], x, y))
        pairs = list(zip(list(a), list(b)))
        run = lambda: jax.block_until_ready([point(theta, d1, d2, x, y, *ab) for ab in pairs])
        suite.add("slice point", name, run, value, sum(run()) / len(a), parts=len(a),
                  variant="a call for each point" + (", channels last" if channels_last else ""))

    if suite.wants("gradient", name):
        gradient = jax.jit(jax.value_and_grad(loss))
        run = lambda: jax.block_until_ready(gradient(theta, x, y))
        g = run()[1]
        suite.add("gradient", name, run, value, tree_dot(g, g) ** 0.5, variant=order)

    if suite.wants("Hessian product", name):
        product = jax.jit(lambda theta, v, x, y: jax.jvp(lambda t: jax.grad(loss)(t, x, y), (theta,), (v,))[1])
        run = lambda: jax.block_until_ready(product(theta, d1, x, y))
        suite.add("Hessian product", name, run, value, tree_dot(run(), d1), variant=order)
        # What does not depend on the vector computed once, as losscape does.
        linear = jax.make_jaxpr(jax.linearize(lambda t: jax.grad(loss)(t, x, y), theta)[1])(d1)
        apply = jax.jit(lambda kept, v: jax.core.eval_jaxpr(linear.jaxpr, kept, *v))
        run = lambda: jax.block_until_ready(apply(linear.consts, d1))
        suite.add("Hessian product", name, run, value, tree_dot(run(), d1),
                  variant="linearized once" + (", channels last" if channels_last else ""))

    if suite.wants("Gauss-Newton product", name):

        @jax.jit
        def product(theta, v, x, y):
            net = lambda t: forward(spec, t, x, channels_last)
            outputs, tangents = jax.jvp(net, (theta,), (v,))
            seeds = jax.jvp(jax.grad(lambda f: cross_entropy(f, y)), (outputs,), (tangents,))[1]
            return jax.vjp(net, theta)[1](seeds)[0]

        run = lambda: jax.block_until_ready(product(theta, d1, x, y))
        suite.add("Gauss-Newton product", name, run, value, tree_dot(run(), d1), variant=order)

    if suite.wants("per-sample gradient norms", name):
        one = lambda theta, x, y: loss(theta, x[None], y[None])

        @jax.jit
        def norms(theta, x, y):
            gradients = jax.vmap(jax.grad(one), (None, 0, 0))(theta, x, y)
            return jnp.sqrt(sum(jnp.sum(g.reshape(g.shape[0], -1) ** 2, axis=1) for g in gradients))

        run = lambda: norms(theta, x, y).block_until_ready()
        suite.add("per-sample gradient norms", name, run, value, run().mean(), variant=order)


def training(suite, name, steps=20):
    spec, x, y, theta, _, _ = case(name)
    x, y = jnp.asarray(x), jnp.asarray(y, jnp.int32)
    theta = [jnp.asarray(t) for t in theta]
    loss = lambda theta, x, y: cross_entropy(forward(spec, theta, x, False), y)
    value = jax.jit(loss)(theta, x, y)
    norm = tree_dot(theta, theta) ** 0.5

    def step(state, indices, x, y):
        theta, m, v, t = state
        value, g = jax.value_and_grad(loss)(theta, x[indices], y[indices])
        t = t + 1
        m = [0.9 * m + 0.1 * g for m, g in zip(m, g)]
        v = [0.999 * v + 0.001 * g * g for v, g in zip(v, g)]
        first, second = 1 - 0.9**t, 1 - 0.999**t
        theta = [p - 1e-3 * (m / first) / (jnp.sqrt(v / second) + 1e-8) for p, m, v in zip(theta, m, v)]
        return (theta, m, v, t), value

    step = jax.jit(step, donate_argnums=0)
    zeros = lambda: [jnp.zeros_like(t) for t in theta]
    state = [([t + 0 for t in theta], zeros(), zeros(), jnp.float32(0))]
    # Batches are drawn beforehand, so that only the step is measured.
    generator = numpy.random.default_rng(0)
    batches = [jnp.asarray(generator.permutation(spec["samples"])[: spec["batch"]]) for _ in range(steps)]

    def run():
        for indices in batches:
            state[0], value = step(state[0], indices, x, y)
        jax.block_until_ready((state[0], value))

    suite.add("training step", name, run, value, norm, parts=steps)


if __name__ == "__main__":
    suite = Suite(__doc__)
    for network in NETWORKS:
        analyses(suite, network)
        if "LeNet" in network:
            analyses(suite, network, channels_last=True)
    for network in TRAINED:
        if suite.wants("training step", network):
            training(suite, network)
    suite.finish(f"JAX {jax.__version__}")
