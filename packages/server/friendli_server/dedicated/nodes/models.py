"""Tables that make several gateway processes on one database behave as one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from friendli_server.dedicated.database import Base, now


class Node(Base):
    """A gateway process and when it last gave a sign of life."""

    __tablename__ = "nodes"

    id: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(default=now)


class Lease(Base):
    """Who alone may do something, until when."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    expires_at: Mapped[datetime]


class SharedSecret(Base):
    """A secret every node on this database shares: made by the first that needs it."""

    __tablename__ = "shared_secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
