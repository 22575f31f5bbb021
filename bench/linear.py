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
from kit.methods.mixed_privacy import MixedLinear
from kit.training import device

ROUNDS, BATCH, USER, EPOCHS = 3, 128, 1000, 3
LAYERS = {"all layers": None, "stage 3 and head": ["stage3", "head"]}
MIB = 2**20 if sys.platform == "darwin" else 2**10  # in units of ru_maxrss


def jobs() -> dict:
    """Name -> something to measure. The networks are untrained: that changes no cost."""
    data = kit.datasets.load("fashion-mnist-mini")
    task = kit.tasks.forget_samples(data, torch.arange(USER // 100), within=torch.arange(USER))
    x = task.train.inputs()[:BATCH].to(device())
    e = torch.ones(BATCH, task.num_classes, device=device())

    def network():
        return kit.models.build("resnet8", task, activation="leaky_relu").to(device())

    recipe = kit.Recipe(epochs=EPOCHS, batch_size=BATCH, lr=0.02, bf16=False)
    found = {
        "forward": partial(torch.no_grad()(network()), x),
        f"fine-tuning, {EPOCHS} epochs": partial(kit.fit, network(), task.train, recipe),
    }
    for name, layers in LAYERS.items():
        model = MixedLinear(network(), layers=layers)
        inputs, u = model.linear.below(x), torch.ones(model.linear.size, device=device())
        found |= {
            f"J u, {name}": partial(torch.no_grad()(model.linear.jvp), inputs, u),
            f"J^T e, {name}": partial(model.linear.vjp, inputs, e),
            f"learning by SGD, {name}, {EPOCHS} epochs": partial(
                model.learn_slowly, task.train, epochs=EPOCHS, batch_size=BATCH
            ),
            f"a request, {name}, {EPOCHS} epochs": partial(
                kit.unlearn, "mixed_privacy", model, task, epochs=EPOCHS, batch_size=BATCH
            ),
        }
    return found


def seconds(job) -> float:
    start = time.perf_counter()
    job()
    if device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def peak(name: str) -> float:
    """MiB that a process needs to do one job."""
    job = jobs()[name]
    if device().type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        job()
        return torch.cuda.max_memory_allocated() / 2**20
    job()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def main() -> None:
    found = jobs()
    times = {name: [] for name in found}
    for number in range(ROUNDS + 1):  # the first round warms up
        for name, job in found.items():
            taken = seconds(job)
            if number:
                times[name].append(taken)
    print(f"resnet8, fashion-mnist-mini, {kit.results.device_name()}, {ROUNDS} rounds")
    base = {"forward": "forward", "J": "forward", "fine": "fine", "learning": "fine", "a": "fine"}
    first = {}
    for name, values in times.items():
        done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True,
                              check=True)  # fmt: skip
        median, memory = statistics.median(values), float(done.stdout)
        kind = next(of for start, of in base.items() if name.startswith(start))
        against = first.setdefault(kind, (median, memory))
        print(f"{name:45} {1000 * median:8.1f} ms {memory:7.0f} MiB, beside {kind}: "
              f"{median / against[0]:.2f} x time, {memory / against[1]:.2f} x memory")  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(peak(sys.argv[1]))
    else:
        main()
