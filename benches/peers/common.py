"""What the peers share: the suite's data by its formula (src/benchmark/cases.rs
explains it), the timing, and the comparison with losscape's own numbers."""

import argparse
import json
import math
import time

import numpy

NETWORKS = {
    "tanh 2-32-32-2": dict(activation="tanh", input=(2,), classes=2, samples=1000, batch=32, grid=9,
                           shapes=[(32, 2), (32, 32), (2, 32)]),
    "relu 2-32-32-2": dict(activation="relu", input=(2,), classes=2, samples=1000, batch=32, grid=9,
                           shapes=[(32, 2), (32, 32), (2, 32)]),
    "relu 784-128-10": dict(activation="relu", input=(784,), classes=10, samples=1000, batch=64, grid=9,
                            shapes=[(128, 784), (10, 128)]),
    "LeNet 28x28": dict(activation="relu", input=(1, 28, 28), classes=10, samples=500, batch=64, grid=3,
                        shapes=[(6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84)]),
}
TRAINED = ["tanh 2-32-32-2", "relu 784-128-10"]


def uniform(stream, count):
    """u_0 … u_(count-1) of a stream, in [-1, 1)."""
    with numpy.errstate(over="ignore"):
        x = numpy.arange(count, dtype=numpy.uint32)
        x = x + numpy.uint32(stream * 0x9E3779B9 & 0xFFFFFFFF)
        x = (x ^ (x >> 16)) * numpy.uint32(0x7FEB352D)
        x = (x ^ (x >> 15)) * numpy.uint32(0x846CA68B)
        x = x ^ (x >> 16)
    return (x >> 8).astype(numpy.float64) / 2**23 - 1.0


def parameters(spec, stream):
    """Weight and bias of every layer, in the order of PyTorch's nn.Sequential."""
    count = sum(math.prod(shape) + shape[0] for shape in spec["shapes"])
    numbers, tensors, start = uniform(stream, count), [], 0
    for shape in spec["shapes"]:
        fan_in = math.prod(shape[1:])
        for tensor in (shape, shape[:1]):
            size = math.prod(tensor)
            values = math.sqrt(3.0 / fan_in) * numbers[start : start + size]
            tensors.append(values.astype(numpy.float32).reshape(tensor))
            start += size
    return tensors


def case(name):
    """Inputs, labels, θ and the two directions of a network."""
    spec = NETWORKS[name]
    inputs = uniform(1, spec["samples"] * math.prod(spec["input"]))
    inputs = inputs.astype(numpy.float32).reshape(spec["samples"], *spec["input"])
    labels = (numpy.arange(spec["samples"]) % spec["classes"]).astype(numpy.int64)
    return spec, inputs, labels, parameters(spec, 2), parameters(spec, 3), parameters(spec, 4)


def points(spec):
    """The displacements of the slice's grid over [-1/2, 1/2]²."""
    axis = numpy.linspace(-0.5, 0.5, spec["grid"])
    b, a = numpy.meshgrid(axis, axis, indexing="ij")
    return a.ravel().astype(numpy.float32), b.ravel().astype(numpy.float32)


def measure(seconds, work, clock):
    """(minimum, median) in microseconds over repetitions of at least 1 ms."""
    start, best = time.perf_counter(), float("inf")
    while best == float("inf") or time.perf_counter() - start < 0.1 * seconds:
        begin = clock()
        work()
        best = min(best, clock() - begin)
    executions, found = math.ceil(1e-3 / best), []
    start = time.perf_counter()
    while len(found) < 3 or time.perf_counter() - start < seconds:
        begin = clock()
        for _ in range(executions):
            work()
        found.append((clock() - begin) / executions)
    found.sort()
    return 1e6 * found[0], 1e6 * found[len(found) // 2]


class Suite:
    """Collects rows and compares each with losscape's."""

    def __init__(self, description):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--losscape", metavar="FILE", help="what `losscape bench --json FILE` wrote, to compare losses with")
        parser.add_argument("--json", metavar="FILE", help="where to write the numbers [default: standard output]")
        parser.add_argument("--seconds", type=float, default=1.0, help="for each work")
        parser.add_argument("--filter", default="", help="only works whose name contains this")
        parser.add_argument("--f64", action="store_true", help="double precision, for the products with curvature matrices")
        parser.add_argument("--processor-time", action="store_true", help="count processor time instead of elapsed time")
        self.arguments = parser.parse_args()
        self.clock = time.process_time if self.arguments.processor_time else time.perf_counter
        self.rows, self.theirs = [], {}
        if self.arguments.losscape:
            with open(self.arguments.losscape) as file:
                self.theirs = {(row["work"], row["network"]): row for row in json.load(file)["rows"]}

    @property
    def precision(self):
        return "f64" if self.arguments.f64 else "f32"

    def wants(self, work, network):
        if self.arguments.f64 and "product" not in work:
            return False
        return self.arguments.filter.lower() in f"{work}, {network}".lower()

    def add(self, work, network, run, loss, check, parts=1, variant=None):
        """Times `run`, which does `parts` equal parts of a work. Stops the
        program where loss or check differ from losscape's."""
        theirs = self.theirs.get((work, network))
        if theirs:
            self.compare(work, network, "loss", float(loss), theirs["loss"], 1e-4)
            self.compare(work, network, "check", float(check), theirs["check"], 1e-3)
        shortest, median = measure(self.arguments.seconds, run, self.clock)
        row = dict(work=work, network=network, precision=self.precision, variant=variant,
                   microseconds=shortest / parts, median=median / parts,
                   loss=float(loss), check=float(check))
        self.rows.append(row)

    @staticmethod
    def compare(work, network, what, ours, theirs, tolerance):
        assert abs(ours - theirs) <= tolerance * max(abs(theirs), 1e-3), (
            f"{work}, {network}: the {what} is {ours}, and losscape's is {theirs}")

    def finish(self, program):
        text = json.dumps(dict(program=program, rows=self.rows), indent=1)
        if self.arguments.json:
            with open(self.arguments.json, "w") as file:
                file.write(text)
        else:
            print(text)
