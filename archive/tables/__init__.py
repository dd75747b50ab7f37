"""The rows, as SQLAlchemy knows them. What each table is stands in its comment, which PostgreSQL keeps too.

State is a timestamp that is set or not: there is no status column of ours that could disagree with it.
"""

from archive.tables.base import Moment as Moment
from archive.tables.base import metadata as metadata
from archive.tables.calls import attempts as attempts
from archive.tables.calls import pauses as pauses
from archive.tables.contents import objects as objects
from archive.tables.contents import results as results
from archive.tables.contents import storage_markers as storage_markers
from archive.tables.hours import archived_hours as archived_hours
from archive.tables.hours import callback_hours as callback_hours
from archive.tables.hours import hours as hours
from archive.tables.hours import recounts as recounts
from archive.tables.hours import spent_hours as spent_hours
from archive.tables.hours import spent_tag_hours as spent_tag_hours
from archive.tables.hours import storage_hours as storage_hours
from archive.tables.hours import stored_hours as stored_hours
from archive.tables.hours import stored_tag_hours as stored_tag_hours
from archive.tables.keys import gateway_keys as gateway_keys
from archive.tables.listings import announcements as announcements
from archive.tables.listings import listings as listings
from archive.tables.segments import rebuilt_files as rebuilt_files
from archive.tables.segments import segments as segments
from archive.tables.told import events as events
from archive.tables.told import quarantine as quarantine
from archive.tables.told import spools as spools
from archive.tables.tombstones import tombstones as tombstones
from archive.tables.workflows import BACKFILLED as BACKFILLED
from archive.tables.workflows import drift as drift
from archive.tables.workflows import jobs as jobs
from archive.tables.workflows import steps as steps
from archive.tables.workflows import workflows as workflows
