"""Calls to Civitai that must wait, and tries that failed."""

from sqlalchemy import BigInteger, Column, Double, ForeignKeyConstraint, Identity, Index, Integer, Table, Text

from archive.tables.base import Moment, metadata

pauses = Table(
    "pauses",
    metadata,
    Column("cause", Text, primary_key=True, comment="rate, credentials, or jobs (their documents alone)"),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    comment="A time in which nobody calls Civitai's API; it holds until it has passed",
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("step", Text, comment="null: the workflow itself was tried"),
    Column("path", Text),
    Column("attempted_at", Moment, nullable=False, comment="when the try began"),
    Column("seconds", Double, nullable=False),
    Column("http_status", Integer),
    Column("error", Text, nullable=False),
    ForeignKeyConstraint(["workflow_id"], ["workflows.id"], ondelete="CASCADE"),
    Index("ix_attempts_workflow_id", "workflow_id"),
    Index("ix_attempts_attempted_at", "attempted_at"),
    comment="One failed try at a workflow or at one of its results",
)
