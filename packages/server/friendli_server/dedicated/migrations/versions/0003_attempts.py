"""Running requests by attempt, and the day that counts their images."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what runs at this moment is a job of its own and hands nothing back."""
    op.add_column(
        "running_jobs", sa.Column("job_id", sa.String(), nullable=False, server_default="")
    )
    op.add_column("running_jobs", sa.Column("counted_on", sa.BigInteger(), nullable=True))
    op.create_index("ix_running_jobs_job_id", "running_jobs", ["job_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_running_jobs_job_id", "running_jobs")
    with op.batch_alter_table("running_jobs") as jobs:
        jobs.drop_column("counted_on")
        jobs.drop_column("job_id")
