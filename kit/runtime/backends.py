"""Where many jobs run: one after the other, in processes of this machine, or on a cluster."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from kit.runtime.checks import known

BACKENDS = ("serial", "loky", "dask", "ray")


def spread(
    function: Callable, jobs: Iterable[tuple], *, backend: str = "serial",
    workers: int | None = None,
) -> Iterator:  # fmt: skip
    """``function(*job)`` for each job, the results in the order of the jobs.

    Rounds of one job a worker: whatever the backend, who keeps each result as it comes has lost
    one round at most when killed.

    Parameters
    ----------
    backend
        "serial"; "loky": ``workers`` processes (default: the CPU's cores); "dask" and "ray" do the
        same on a cluster: connect first (``dask.distributed.Client(...)`` or ``ray.init(...)``).

    Raises
    ------
    ValueError
        an unknown backend, or a cluster that is not connected or not installed.
    """
    known("backend", backend, BACKENDS)
    if backend == "serial":
        return (function(*job) for job in jobs)
    if backend == "ray":
        _register_ray()
    if backend == "dask":
        _find_dask()
    return _rounds(function, iter(jobs), backend, workers or os.cpu_count())


def _rounds(function: Callable, jobs: Iterator[tuple], backend: str, workers: int) -> Iterator:
    from joblib import Parallel, delayed, parallel_config  # only where jobs are spread

    with parallel_config(backend=backend, n_jobs=workers), Parallel() as parallel:
        while some := list(islice(jobs, workers)):
            yield from parallel(delayed(function)(*job) for job in some)


def _register_ray() -> None:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise ValueError(f"{error}; pip install 'did-it-really-forget[scale]'") from error
    if not ray.is_initialized():
        raise ValueError('backend="ray" needs a cluster: call ray.init(...) first')
    register_ray()


def _find_dask() -> None:
    try:
        from dask.distributed import get_client

        get_client()
    except ImportError as error:
        raise ValueError(f"{error}; pip install 'did-it-really-forget[scale]'") from error
    except ValueError as error:
        raise ValueError(
            'backend="dask" needs a cluster: call dask.distributed.Client(...) first'
        ) from error
