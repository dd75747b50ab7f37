"""What somebody can choose at the top of a dashboard, and the conditions that keep to it.

The value `'*'` stands for all, so that what has no tag is counted too.
"""

from dashboards import panels

TAG = panels.chosen(
    "tag", "Tag", "SELECT DISTINCT tag FROM ops.buzz_by_tag WHERE $__timeFilter(day) AND tag IS NOT NULL"
)
SOURCE = panels.chosen("source", "Source", "SELECT DISTINCT source FROM ops.callbacks WHERE $__timeFilter(hour)")
STEP_TYPE = panels.chosen(
    "step_type", "Step type", "SELECT DISTINCT step_type FROM ops.throughput WHERE $__timeFilter(hour)"
)

OF_TAG = "('*' IN (${tag:sqlstring}) OR tag IN (${tag:sqlstring}))"
OF_TAGS = "('*' IN (${tag:sqlstring}) OR tags && ARRAY[${tag:sqlstring}]::text[])"
OF_SOURCE = "('*' IN (${source:sqlstring}) OR source IN (${source:sqlstring}))"
OF_STEP_TYPE = "('*' IN (${step_type:sqlstring}) OR step_type IN (${step_type:sqlstring}))"
