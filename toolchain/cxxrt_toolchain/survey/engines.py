"""Who does the shards: processes of this machine, Dask, or Ray. Yields what each shard had.

An engine may do a shard twice, or lose it with a worker: the store's layout makes rows of it that
are there once. So an engine is a loop, and a survey can begin on one and end on another.
"""

import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any

from cxxrt_toolchain.errors import MissingToolError, StepFailedError
from cxxrt_toolchain.survey.shard import Settings, work

_SPARE = 4
"""Tasks in flight for each of Ray's workers."""
_RETRIES = 3
_MOST_BARREN = 3
"""Workers that may die one after the other before they ask for work."""


def local(
    folder: str, shards: Sequence[str], settings: Settings, jobs: int, _address: str | None
) -> Iterator[int]:
    """Processes of this machine; a new one takes the shard of one that died."""
    waiting = list(reversed(shards))
    barren = 0
    workers = [_Worker() for _ in range(min(jobs, len(shards)))]
    try:
        while workers:
            for ready in wait([each.pipe for each in workers]):
                worker = next(each for each in workers if each.pipe is ready)
                try:
                    done = worker.pipe.recv()
                except (EOFError, OSError):  # it died
                    barren = 0 if worker.asked else barren + 1
                    if barren > _MOST_BARREN:
                        raise StepFailedError("Workers die before they begin.") from None
                    waiting += [worker.shard] if worker.shard else []
                    worker.stop()
                    workers[workers.index(worker)] = _Worker()
                    continue
                if isinstance(done, Exception):
                    raise done
                worker.asked = True
                if done is not None:
                    yield done
                if waiting:
                    worker.shard = waiting.pop()
                    worker.pipe.send((folder, worker.shard, settings))
                else:
                    workers.remove(worker)
                    worker.stop()
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A process and the shard that it has."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.shard = ""
        self.asked = False
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def stop(self) -> None:
        """End the process, now."""
        self._process.terminate()
        self._process.join()
        self.pipe.close()


def _serve(pipe: Connection) -> None:
    """Do shards until the other end of the pipe is closed, which a killed parent's is."""
    done: int | Exception | None = None
    try:
        while True:
            pipe.send(done)
            try:
                done = work(*pipe.recv())
            except EOFError:
                return
            except Exception as error:  # noqa: BLE001 - the parent raises it
                done = error
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(1)


def dask(
    folder: str, shards: Sequence[str], settings: Settings, jobs: int, address: str | None
) -> Iterator[int]:
    """A Dask cluster: the one at an address, or one of its own on this machine."""
    distributed = _engine("distributed")
    options: dict[str, Any] = {"n_workers": jobs, "threads_per_worker": 1}
    with distributed.Client(address, **({} if address else options)) as client:
        settings = settings.shared_by(sum(client.nthreads().values()) or jobs)
        tasks = [
            client.submit(work, folder, shard, settings, pure=False, retries=_RETRIES)
            for shard in shards
        ]
        for task in distributed.as_completed(tasks):
            yield task.result()


def ray(
    folder: str, shards: Sequence[str], settings: Settings, jobs: int, address: str | None
) -> Iterator[int]:
    """A Ray cluster: the one at an address, or one of its own on this machine."""
    engine = _engine("ray")
    engine.init(
        address=address,
        num_cpus=None if address else jobs,
        include_dashboard=None if address else False,
        log_to_driver=False,
    )
    try:
        cores = int(engine.cluster_resources().get("CPU", jobs))
        settings = settings.shared_by(cores)
        task = engine.remote(max_retries=_RETRIES)(work)
        flying: list[Any] = []
        for shard in shards:
            if len(flying) >= _SPARE * cores:
                ready, flying = engine.wait(flying)
                yield from engine.get(ready)
            flying.append(task.remote(folder, shard, settings))
        while flying:
            ready, flying = engine.wait(flying)
            yield from engine.get(ready)
    finally:
        engine.shutdown()


ENGINES = {"local": local, "dask": dask, "ray": ray}


def _engine(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        advice = f"pip install {name}; every worker needs cxxrt-toolchain[survey], too."
        raise MissingToolError(f"This engine needs {name}.", advice) from error
