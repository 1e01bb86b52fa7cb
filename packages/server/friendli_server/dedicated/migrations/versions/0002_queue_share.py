"""A team's share of the queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no team has a limit."""
    op.add_column("teams", sa.Column("queue_share", sa.Double(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("teams") as teams:
        teams.drop_column("queue_share")
