"""What another program starts by its name, as `uvicorn receiver.app:app` does: made when it is asked for."""

import os
from collections.abc import Callable
from typing import TypeVar

from archive import logs, settings

T = TypeVar("T")


def on_demand(name: str, make: Callable[[settings.Settings], T]) -> Callable[[str], T]:
    """A module's `__getattr__` by which it has `name`, made from the environment as it is then.

    What is wrong with the settings ends the process with a sentence.
    """

    def attribute(asked: str) -> T:
        if asked != name:
            raise AttributeError(asked)
        logs.configure()
        try:
            return make(settings.read(os.environ))
        except settings.SettingsError as error:
            raise SystemExit(str(error)) from None

    return attribute
