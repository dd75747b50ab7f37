"""Who may speak to the gateway."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from archive.tables.base import Moment, metadata

gateway_keys = Table(
    "gateway_keys",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, comment="whose key it is; free again once it is revoked"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the key, which nobody keeps but its owner"),
    Column("scopes", ARRAY(Text), nullable=False, comment="read, write, admin"),
    Column("calls_per_minute", Integer, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=text("now()")),
    Column("last_used_at", Moment, comment="to the minute"),
    Column("revoked_at", Moment),
    CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
    CheckConstraint("calls_per_minute > 0", name="calls"),
    Index("uq_gateway_keys_digest", "digest", unique=True),
    Index("uq_gateway_keys_name", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
    comment="One key of the gateway's",
)
