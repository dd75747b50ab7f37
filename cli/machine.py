"""The settings of this machine: its environment, completed by the archive that is up in ARCHIVE_HOME."""

import os
from collections.abc import Mapping
from dataclasses import replace

from archive import settings
from embedded import supervisor


def read_settings(environment: Mapping[str, str] | None = None) -> settings.Settings:
    """The environment, ours unless one is given, with the servers of the home that is up where no URL is set."""
    config = settings.read(os.environ if environment is None else environment)
    if config.database_url and config.redis_url:
        return config
    addresses = supervisor.addresses_of(config.home)
    if addresses is None:
        return config
    return replace(
        config,
        database_url=config.database_url or settings.Secret(addresses.database_url),
        redis_url=config.redis_url or settings.Secret(addresses.redis_url),
    )
