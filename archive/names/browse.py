"""`browse/` in local storage: every stored result under a name for people, as a hard link to its object.

It is a view. Whatever is done to it, `civitai-archive browse` makes it anew from the rows, and no object is touched.
Whoever adds links shares a lock; whoever clears the tree of what does not belong there has it alone. Of those who
make it anew, one does at a time.
"""

import array
import asyncio
import bisect
import contextlib
import fcntl
import hashlib
import itertools
import os
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from archive import settings, storage
from archive.names import trees
from archive.names.naming import File
from archive.names.templates import Template
from archive.storage import local
from archive.storage.local import LocalStorage
from archive.together import Together

LOCK = "browse.lock"
TURNS = "browse.turns"
SECONDS_BETWEEN = 0.2
GATHERING = 0.002  # seconds that the first of some workflows' files waits for others
AT_ONCE = 64  # workflows whose files are named in one go


class NameSet:
    """Many names in little memory: 8 bytes each, by a hash that will not meet another's by chance."""

    def __init__(self) -> None:
        self._hashes = array.array("Q")
        self._is_sorted = True

    def add(self, names: Iterable[str]) -> None:
        """Add them."""
        self._hashes.extend(_hash(name) for name in names)
        self._is_sorted = False

    def __contains__(self, name: str) -> bool:
        if not self._is_sorted:
            self._hashes, self._is_sorted = array.array("Q", sorted(self._hashes)), True
        wanted = _hash(name)
        position = bisect.bisect_left(self._hashes, wanted)
        return position < len(self._hashes) and self._hashes[position] == wanted


class Browse:
    """The tree of one local storage. Its methods raise OSError, `trees.InTheWay` among them."""

    def __init__(self, store: LocalStorage, template: Template) -> None:
        self.template = template
        self._objects = store.root
        self._tree = trees.Tree(store.root / local.BROWSE)
        self._is_alone = False
        self._shown: Together[Sequence[File], None] = Together(
            self._show_all, gathering=lambda: GATHERING, at_once=AT_ONCE, is_one_at_fault=lambda _: True
        )

    async def show(self, files: Sequence[File]) -> None:
        """Have these files there under their names. An object that is not in storage has none."""
        if files:
            await self._shown(files)

    async def hide(self, names: Collection[str]) -> None:
        """Take these names away."""
        if names:
            await asyncio.to_thread(self._hide, names)

    async def clear_of_others(self, wanted: NameSet) -> int:
        """Take away every name but these; how many there were."""
        return await asyncio.to_thread(self._clear, wanted)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """For the length of the block nobody else makes the tree anew; others add names as ever.

        Two who did so with different templates would each take away what the other has just shown.
        """
        lock = _open(self._objects / TURNS)
        try:
            # Not waited for in a thread, which Ctrl-C could not end.
            while not _is_ours(lock):  # noqa: ASYNC110 - nobody sets an event when another process is done
                await asyncio.sleep(SECONDS_BETWEEN)
            yield
        finally:
            os.close(lock)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """For the length of the block nobody but us adds a name or takes one away."""
        with contextlib.ExitStack() as until_done:
            await asyncio.to_thread(until_done.enter_context, self._locked(fcntl.LOCK_EX))
            self._is_alone = True
            try:
                yield
            finally:
                self._is_alone = False

    async def _show_all(self, groups: Sequence[Sequence[File]]) -> Sequence[None]:
        await asyncio.to_thread(self._show, groups)
        return [None] * len(groups)

    def _show(self, groups: Sequence[Sequence[File]]) -> None:
        with self._locked(fcntl.LOCK_SH):
            self._tree.link_those_there_are(
                (self._objects / storage.object_name(bytes.fromhex(file.digest)), file.name)
                for file in itertools.chain.from_iterable(groups)
            )

    def _hide(self, names: Collection[str]) -> None:
        with self._locked(fcntl.LOCK_SH):
            for name in names:
                self._tree.remove(name)

    def _clear(self, wanted: NameSet) -> int:
        cleared = 0
        with self._locked(fcntl.LOCK_SH):
            for name, _ in self._tree.walk():
                if name not in wanted:
                    self._tree.remove(name)
                    cleared += 1
        return cleared

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        if self._is_alone:
            yield
            return
        lock = _open(self._objects / LOCK)
        try:
            fcntl.flock(lock, kind)
            yield
        finally:
            os.close(lock)


def open_browse(config: settings.Settings, store: storage.Storage) -> Browse | None:
    """The tree that the settings ask for; None if they ask for none, or storage is no local disk."""
    if config.browse_template is None or not isinstance(store, LocalStorage):
        return None
    return Browse(store, config.browse_template)


async def forget(store: storage.Storage, files: Collection[str]) -> None:
    """Take away every name of these files in storage, whatever templates it was made with: a file is free without."""
    if files and isinstance(store, LocalStorage):
        await asyncio.to_thread(_forget, store.root, files)


def _forget(root: Path, files: Collection[str]) -> None:
    inodes = set()
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            found = (root / file).stat()
            if found.st_nlink > 1:
                inodes.add(found.st_ino)
    if inodes:
        tree = trees.Tree(root / local.BROWSE)
        for name, inode in tree.walk():
            if inode in inodes:
                tree.remove(name)


def _open(lock: Path) -> int:
    return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _is_ours(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
