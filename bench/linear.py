"""What linearisation costs: products with the Jacobian beside a plain forward pass, and learning
and forgetting user data beside ordinary fine-tuning.

    make bench

Seconds are medians over rounds in which all take turns. Memory is the peak of a process that does
nothing else, interpreter and libraries included (on a GPU: of the allocator).
"""

import resource
import statistics
import subprocess
import sys
import time
from functools import partial

import torch

import kit
from kit.parts.mixed_linear import MixedLinear
from kit.runtime.device import device, device_name

ROUNDS, BATCH, USER, EPOCHS = 5, 128, 1000, 3
LAYERS = {"all layers": None, "stage 3 and head": ["stage3", "head"]}
MIB = 2**20 if sys.platform == "darwin" else 2**10  # in units of ru_maxrss


def builders() -> dict:
    """Name -> a function that makes something to measure, and nothing of the others. The networks
    are untrained: that changes no cost."""
    data = kit.datasets.load("fashion-mnist-mini")
    task = kit.tasks.forget_samples(data, torch.arange(USER // 100), within=torch.arange(USER))
    recipe = kit.Recipe(epochs=EPOCHS, batch_size=BATCH, lr=0.02, bf16=False)

    def network():
        return kit.models.build("resnet8", task, activation="leaky_relu").to(device())

    def images():
        return task.train.inputs()[:BATCH].to(device())

    def jacobian(layers):
        model = MixedLinear(network(), layers=layers)
        u = torch.ones(model.linear.size, device=device())
        return partial(torch.no_grad()(model.linear.jvp), model.linear.below(images()), u)

    def transpose(layers):
        model = MixedLinear(network(), layers=layers)
        e = torch.ones(BATCH, task.num_classes, device=device())
        return partial(model.linear.vjp, model.linear.below(images()), e)

    def learning(layers):
        model = MixedLinear(network(), layers=layers)
        return partial(model.learn_slowly, task.train, epochs=EPOCHS, batch_size=BATCH)

    def request(layers):
        model = MixedLinear(network(), layers=layers)
        model.rate.fill_(1e-6)
        settings = {"epochs": EPOCHS, "batch_size": BATCH}
        return partial(kit.unlearn, "mixed_privacy", model, task, **settings)

    found = {
        "forward": lambda: partial(torch.no_grad()(network()), images()),
        f"fine-tuning, {EPOCHS} epochs": lambda: partial(kit.fit, network(), task.train, recipe),
    }
    for name, layers in LAYERS.items():
        found |= {
            f"J u, {name}": partial(jacobian, layers),
            f"J^T e, {name}": partial(transpose, layers),
            f"learning by SGD, {name}, {EPOCHS} epochs": partial(learning, layers),
            f"a request, {name}, {EPOCHS} epochs": partial(request, layers),
        }
    return found


def seconds(job) -> float:
    start = time.perf_counter()
    job()
    if device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def needed(name: str) -> float:
    """MiB that a job needs in a process of its own."""
    command = [sys.executable, __file__, name]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def peak(name: str) -> float:
    """MiB that this process has needed after one job."""
    job = builders()[name]()
    if device().type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        job()
        return torch.cuda.max_memory_allocated() / 2**20
    job()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def main() -> None:
    # Memory first: a process begins with the peak of the one that starts it.
    memory = {name: needed(name) for name in builders()}
    found = {name: build() for name, build in builders().items()}
    times = {name: [] for name in found}
    for number in range(ROUNDS + 1):  # the first round warms up
        for name, job in found.items():
            taken = seconds(job)
            if number:
                times[name].append(taken)
    print(f"resnet8, fashion-mnist-mini, {device_name()}, {ROUNDS} rounds")
    base = {"forward": "forward", "J": "forward", "fine": "fine", "learning": "fine", "a": "fine"}
    first = {}
    for name, values in times.items():
        median = statistics.median(values)
        kind = next(of for start, of in base.items() if name.startswith(start))
        against = first.setdefault(kind, (median, memory[name]))
        print(f"{name:45} {1000 * median:8.1f} ms {memory[name]:7.0f} MiB, beside {kind}: "
              f"{median / against[0]:.2f} x time, "
              f"{memory[name] / against[1]:.2f} x memory")  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(peak(sys.argv[1]))
    else:
        main()
