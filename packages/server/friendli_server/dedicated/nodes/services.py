"""Signs of life, leases and shared secrets. Knows nothing of what a lease is for.

A lease is one row, taken by one conditional UPDATE, so two nodes cannot both hold it; a holder that
stops renewing loses it after `LEASE_SECONDS`. Nodes' clocks must agree to a few seconds.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from friendli_server.dedicated.database import Database, now

from .models import Lease, Node, SharedSecret

LEASE_SECONDS: Final = 5.0
LOST_AFTER_SECONDS: Final = 15.0


async def beat(session: AsyncSession, node_id: str) -> None:
    """Say that `node_id` lives."""
    await session.merge(Node(id=node_id, seen_at=now()))


async def take_lease(session: AsyncSession, name: str, *, holder: str) -> bool:
    """Take or renew the lease `name`; False while another live node has it."""
    moment = now()
    if await session.get(Lease, name) is None:
        session.add(Lease(name=name, holder=holder, expires_at=moment))
        await session.flush()
    taken = await session.execute(
        update(Lease)
        .where(Lease.name == name, or_(Lease.holder == holder, Lease.expires_at <= moment))
        .values(holder=holder, expires_at=moment + timedelta(seconds=LEASE_SECONDS))
        .returning(Lease.name)
    )
    return taken.first() is not None


async def leave(session: AsyncSession, node_id: str) -> None:
    """Give up every lease and the place among the living."""
    await session.execute(delete(Lease).where(Lease.holder == node_id))
    await session.execute(delete(Node).where(Node.id == node_id))


async def living(session: AsyncSession) -> set[str]:
    """The nodes seen lately."""
    since = now() - timedelta(seconds=LOST_AFTER_SECONDS)
    return set(await session.scalars(select(Node.id).where(Node.seen_at >= since)))


async def shared_secret(database: Database, name: str) -> str:
    """The secret `name` of this database; the first caller makes it, all others read the same."""
    async with database.transaction() as session:
        known = await session.get(SharedSecret, name)
    if known is not None:
        return known.value
    try:
        async with database.transaction() as session:
            session.add(SharedSecret(name=name, value=secrets.token_hex(32)))
    except IntegrityError:  # another node was faster; its value counts
        pass
    async with database.transaction() as session:
        return (await session.get_one(SharedSecret, name)).value
