"""The storage that the settings name."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from archive.settings import Settings
from archive.storage import Storage
from archive.storage.local import LocalStorage
from archive.storage.s3 import S3Storage


def open_storage(config: Settings) -> Storage:
    """A storage that does not know its id yet, see `worker.recognise_storage`."""
    parts = urlsplit(config.storage_url)
    if config.s3 is not None:
        return S3Storage(parts.netloc, parts.path.strip("/"), config.s3, config.home / "incoming")
    return LocalStorage(Path(unquote(parts.path)))
