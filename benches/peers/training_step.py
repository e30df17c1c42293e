"""The training steps of benches/training.rs, in eager PyTorch.

Prints one JSON object: microseconds per step, the minimum over many short
repetitions. Pin it to one core, as the Rust side is: taskset -c 0 python ...
"""

import json
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(0)


def mlp(widths, activation):
    layers = []
    for index, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
        layers.append(torch.nn.Linear(fan_in, fan_out))
        if index + 2 < len(widths):
            layers.append(activation())
    return torch.nn.Sequential(*layers)


def microseconds_per_step(widths, activation, batch, samples=1000, repetitions=200, steps=20):
    network = mlp(widths, activation)
    inputs = torch.randn(samples, widths[0])
    labels = torch.randint(widths[-1], (samples,))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss_function = torch.nn.CrossEntropyLoss()
    # Batches are drawn beforehand, so that only the step is measured.
    batches = [torch.randint(samples, (batch,)) for _ in range(steps)]

    def run():
        for indices in batches:
            optimizer.zero_grad()
            loss = loss_function(network(inputs[indices]), labels[indices])
            loss.backward()
            optimizer.step()
            loss.item()

    for _ in range(10):
        run()
    best = float("inf")
    for _ in range(repetitions):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best / steps * 1e6


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "program": f"PyTorch {torch.__version__}, eager",
                "2-32-32-2 tanh, batch 32, Adam": microseconds_per_step(
                    [2, 32, 32, 2], torch.nn.Tanh, 32
                ),
                "784-128-10 relu, batch 64, Adam": microseconds_per_step(
                    [784, 128, 10], torch.nn.ReLU, 64
                ),
            },
            indent=2,
        )
    )
