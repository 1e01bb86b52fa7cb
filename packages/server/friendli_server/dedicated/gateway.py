"""One gateway process, put together: what `app.py` serves and `serve.py` runs.

Knows no route. Tests hand in their own launcher and HTTP client; nothing else is replaced.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import httpx2

from friendli_server.dedicated.accounts.auth import Authenticator
from friendli_server.dedicated.database import Database
from friendli_server.dedicated.ids import random_id
from friendli_server.dedicated.images.dispatch import Dispatcher
from friendli_server.dedicated.images.service import ImageService
from friendli_server.dedicated.images.turns import Turns
from friendli_server.dedicated.metrics import Metrics
from friendli_server.dedicated.nodes.services import shared_secret
from friendli_server.dedicated.replicas.container import ContainerClient
from friendli_server.dedicated.replicas.fixed import FixedReplicas
from friendli_server.dedicated.replicas.fleet import Fleet
from friendli_server.dedicated.replicas.instances import Instances
from friendli_server.dedicated.replicas.interfaces import ReplicaLauncher
from friendli_server.dedicated.replicas.keeper import Keeper
from friendli_server.dedicated.replicas.local import LocalProcesses
from friendli_server.dedicated.replicas.offers import Offers
from friendli_server.dedicated.replicas.router import Router
from friendli_server.dedicated.results.signing import LinkSigner
from friendli_server.dedicated.results.store import ResultStore, open_store
from friendli_server.dedicated.settings import GatewaySettings
from friendli_server.dedicated.usage.known import KnownLimits


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The parts that requests and the loop share."""

    settings: GatewaySettings
    database: Database
    authenticator: Authenticator
    images: ImageService
    results: ResultStore
    keeper: Keeper
    router: Router
    draining: asyncio.Event
    metrics: Metrics


@asynccontextmanager
async def open_gateway(
    settings: GatewaySettings,
    *,
    launcher: ReplicaLauncher | None = None,
    http: httpx2.AsyncClient | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway whose keeper runs while the block does; the database must have its tables."""
    async with (
        Database(settings.database) as database,
        http or httpx2.AsyncClient(limits=_LIMITS) as client,
    ):
        launcher = launcher or await choose_launcher(settings, database)
        gateway = await _assemble(settings, database, launcher, client)
        keeper = asyncio.create_task(gateway.keeper.run(), name="keeper")
        try:
            yield gateway
        finally:
            gateway.keeper.closing.set()
            await keeper


class MissingExtraError(Exception):
    """A setting needs packages that are not installed; says which command installs them."""


async def choose_launcher(settings: GatewaySettings, database: Database) -> ReplicaLauncher:
    """Containers run by others if any are named, else what `--launcher` says.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    if settings.replica:
        urls: defaultdict[str, list[str]] = defaultdict(list)
        for model, url in map(_pair, settings.replica):
            urls[model].append(url.rstrip("/"))
        return FixedReplicas(urls)
    offers = Offers(
        {"postcard": "postcard", **_pairs(settings.offer)},
        hub_models=settings.hub_models,
        adapter_dirs=_pairs(settings.adapter_dir),
    )
    if settings.launcher == "local":
        return LocalProcesses(offers)
    try:
        from friendli_server.dedicated.replicas.cluster import RayCluster  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise MissingExtraError("pip install 'friendli-image-server[ray]'") from missing
    name = await shared_secret(database, "cluster namespace")
    return RayCluster(
        settings.launcher,
        namespace=f"friendli-{name[:16]}",
        offers=offers,
        instances=Instances.parse(settings.instance),
    )


async def _assemble(
    settings: GatewaySettings,
    database: Database,
    launcher: ReplicaLauncher,
    http: httpx2.AsyncClient,
) -> Gateway:
    node_id = random_id("node")
    secret = settings.link_secret or await shared_secret(database, "result links")
    results = ResultStore(
        database,
        open_store(settings.results),
        signer=LinkSigner(secret, lifetime=settings.link_seconds),
        presign=settings.presign,
        public_url=settings.public_url or f"http://{settings.host}:{settings.port}",
    )
    client = ContainerClient(http)
    draining, metrics = asyncio.Event(), Metrics()
    router = Router(database, closing=draining)
    fleet = Fleet(database=database, launcher=launcher, prober=client, node_id=node_id)
    return Gateway(
        settings=settings,
        database=database,
        authenticator=Authenticator(database),
        images=ImageService(
            database=database,
            dispatcher=Dispatcher(
                router, client, wake_seconds=settings.wake_seconds, metrics=metrics
            ),
            results=results,
            node_id=node_id,
            url_format=settings.url_format,
            request_seconds=settings.request_seconds,
            queue_steps=settings.queue_steps,
            metrics=metrics,
            known=KnownLimits(queue_steps=settings.queue_steps),
            turns=Turns(_AT_ONCE),
        ),
        results=results,
        keeper=Keeper(
            database=database,
            fleet=fleet,
            node_id=node_id,
            work_per_replica=settings.work_per_replica,
            tick_seconds=settings.tick_seconds,
            metrics=metrics,
            sweep=partial(results.sweep, older_than=timedelta(hours=settings.retention_hours)),
        ),
        router=router,
        draining=draining,
        metrics=metrics,
    )


_AT_ONCE = 2
"""Transactions of requests under way: one fills the processor, the other waits for the database."""
_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=100)


def _pairs(texts: Iterable[str]) -> Mapping[str, str]:
    return dict(map(_pair, texts))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ValueError(f"{text!r} is not NAME=VALUE")
    return name, value
