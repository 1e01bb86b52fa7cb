"""A Ray cluster on this machine: a head and nodes, each with room for one replica."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
from friendli_server.dedicated.replicas.ports import free_port

STORE = 80 * 2**20
"""Bytes of each node's object store, about the least that Ray takes; nothing goes through it."""


class Rays:
    """Nodes come and go; the head's own processes do not run replicas."""

    def __init__(self, *, nodes: int) -> None:
        from ray.cluster_utils import Cluster  # noqa: PLC0415 - takes seconds

        self.port = free_port("127.0.0.1")
        head = {"num_cpus": 0, "ray_client_server_port": self.port, "include_dashboard": False}
        self.cluster: Any = Cluster(
            initialize_head=True, head_node_args={**head, "object_store_memory": STORE}
        )
        for _ in range(nodes):
            self.add_node()

    @property
    def address(self) -> str:
        """For `--launcher`."""
        return f"ray://127.0.0.1:{self.port}"

    def add_node(self) -> None:
        """One more, with one processor."""
        self.cluster.add_node(num_cpus=1, object_store_memory=STORE)

    def lose_node_of(self, container: psutil.Process) -> None:
        """All of its processes are killed at once, as when the power goes."""
        node = next(n for n in self.cluster.worker_nodes if container in processes_of(n))
        for process in processes_of(node):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.cluster.remove_node(node, allow_graceful=False)

    def containers(self) -> list[psutil.Process]:
        """The processes that are replicas' containers, without their engines."""
        return [
            process
            for node in self.cluster.worker_nodes
            for process in processes_of(node)
            if is_container(process)
        ]


def processes_of(node: Any) -> list[psutil.Process]:
    """A node's raylet and all below it."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return [raylet, *raylet.children(recursive=True)]


def is_container(process: psutil.Process) -> bool:
    """Whether it is a `friendli serve`."""
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        words = process.cmdline()
        return "serve" in words and "--port" in words
    return False


@contextmanager
def rays(folder: Path, *, nodes: int) -> Iterator[Rays]:
    """A cluster that keeps its state in Redis, if there is one, as Ray's documents advise."""
    environment = {"RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    with redis(folder) as address:
        if address:
            environment["RAY_REDIS_ADDRESS"] = address
        before = dict(os.environ)
        os.environ.update(environment)
        try:
            made = Rays(nodes=nodes)
            yield made
            made.cluster.shutdown()
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def redis(folder: Path) -> Iterator[str | None]:
    """The address of a Redis server of our own; None if it is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    port = free_port("127.0.0.1")
    words = [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL) as server:
        yield f"127.0.0.1:{port}"
        server.terminate()
