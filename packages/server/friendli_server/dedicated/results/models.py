"""The table of stored pictures: whose they are and when they go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from friendli_server.dedicated.database import Base, now


class StoredResult(Base):
    """A picture in the object store under `path`."""

    __tablename__ = "results"

    path: Mapped[str] = mapped_column(primary_key=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    endpoint_id: Mapped[str]
    size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
