"""What other programs start by its name; how it starts is in tests/cli/test_entry_points.py."""

import pytest

from receiver import app
from worker import main


def test_a_name_that_nobody_gave_is_no_attribute() -> None:
    for module in (app, main):
        with pytest.raises(AttributeError, match="application"):
            _ = module.application
