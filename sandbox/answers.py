"""Documents as answers."""

import json
from typing import Any

from starlette.responses import Response


class Json(Response):
    """JSON in UTF-8. A lone surrogate, which UTF-8 cannot hold, goes out as it came in: escaped."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: D102 (Starlette)
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")  # strings are the only place for one, and there \ud800 is JSON
