"""Arbitrary values, as strange as JSON allows: lone surrogates, U+0000, huge numbers."""

from hypothesis import strategies as st

TEXTS = st.text(st.characters(), max_size=20)
URLS = st.just("https://blobs.example/x.png?sig=1")
KEYS = st.one_of(
    st.sampled_from(["id", "url", "blobId", "blobIds", "images", "video", "available", "urlExpiresAt", "previewUrl"]),
    st.sampled_from(["input", "output", "steps", "jobs", "result", "type", "$type", "name", "entryCount", "blobSize"]),
    st.sampled_from(["width", "duration", "durationMs", "cost", "total", "tags", "metadata", "a.b", "message"]),
    TEXTS,
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, URLS, st.just("2030-01-01T00:00:00Z"))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=25,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=6)
STEPS = st.lists(
    st.fixed_dictionaries({}, optional={"name": JSON, "output": JSON, "jobs": JSON, "input": JSON, "cost": JSON}),
    max_size=3,
)
DOCUMENTS = st.one_of(OBJECTS, st.builds(lambda rest, steps: {**rest, "steps": steps}, OBJECTS, STEPS))
