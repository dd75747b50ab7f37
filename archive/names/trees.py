"""A directory in which files get names: nothing that lies in it can lead out of it.

Each step of the way is opened from the one before and never through a symlink, whoever may have planted one.
"""

import contextlib
import os
import stat
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
TEMPORARY = ".civitai-archive-"
"""What the names of files begin with that are not whole yet."""


class InTheWay(OSError):
    """Something that is no directory, or no file, has the name that a directory, or a file, is to have."""


class Tree:
    """The names below a directory, which is made when the first of them is."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def link(self, source: Path, name: str) -> None:
        """Give a file of the same file system this name too, in one step. Another that has it already gives way."""
        with self._opened(name, make=True) as (directory, last):
            self._link(source, directory, last)

    def link_those_there_are(self, sources: Iterable[tuple[Path, str]]) -> None:
        """The same for many files that share directories, but for those that are not there."""
        by_directory: defaultdict[str, list[tuple[Path, str]]] = defaultdict(list)
        for source, name in sources:
            above, _, last = name.rpartition("/")
            by_directory[above].append((source, last))
        for above, files in by_directory.items():
            with self._opened(f"{above}/" if above else "", make=True) as (directory, _):
                for source, last in files:
                    with contextlib.suppress(FileNotFoundError):
                        self._link(source, directory, last)

    def put(self, source: Path, name: str) -> None:
        """Move a file of the same file system here, in one step. Another that has the name already gives way."""
        with self._opened(name, make=True) as (directory, last):
            self._rename(source, directory, last)

    def open(self, name: str) -> int:
        """The descriptor of the file with this name, to read it. Raises FileNotFoundError."""
        with self._opened(name) as (directory, last):
            if not stat.S_ISREG(os.stat(last, dir_fd=directory, follow_symlinks=False).st_mode):
                raise InTheWay(f"{self.root / name} is no file: move it away")
            return os.open(last, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory)

    def remove(self, name: str) -> None:
        """Take a name away, and the directories that are empty without it. One that is not there is no error."""
        with contextlib.suppress(FileNotFoundError, InTheWay), self._opened(name) as (directory, last):
            os.unlink(last, dir_fd=directory)
        for parent in list(Path(name).parents)[:-1]:
            try:
                with self._opened(str(parent)) as (directory, last):
                    os.rmdir(last, dir_fd=directory)
            except OSError:
                return  # it is not empty

    def walk(self) -> Iterator[tuple[str, int]]:
        """Each name that is no directory's, with its inode. What is a symlink is a name, and not followed."""
        yield from self._walk(self.root, "")

    def _walk(self, directory: Path, prefix: str) -> Iterator[tuple[str, int]]:
        try:
            entries = list(os.scandir(directory))
        except (FileNotFoundError, NotADirectoryError):  # it never was one, or somebody has put something in its place
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(directory / entry.name, f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry.inode()

    @contextlib.contextmanager
    def _opened(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The descriptor of the directory that a name lies in, and the name's last part."""
        *above, last = name.split("/")
        directory = self._directory(above, make=make)
        try:
            yield directory, last
        finally:
            os.close(directory)

    def _directory(self, steps: Sequence[str], *, make: bool) -> int:
        if make:
            self.root.mkdir(exist_ok=True)  # and nothing above it, which may be a volume that is not mounted
        directory = None
        try:
            directory = os.open(self.root, _DIRECTORY)
            for step in steps:
                above, directory = directory, _below(directory, step, make=make)
                os.close(above)
            return directory
        except OSError as error:
            if directory is not None:
                os.close(directory)
            if not isinstance(error, NotADirectoryError):
                raise
            way = "/".join(["", *steps])
            raise InTheWay(f"not all of {self.root}{way} is directories: move away what is none") from error

    def _link(self, source: Path, directory: int, last: str) -> None:
        with contextlib.suppress(FileExistsError):
            os.link(source, last, dst_dir_fd=directory, follow_symlinks=False)
            return
        if os.path.samestat(os.stat(last, dir_fd=directory, follow_symlinks=False), source.lstat()):
            return
        beside = f"{TEMPORARY}{uuid.uuid4().hex}"
        os.link(source, beside, dst_dir_fd=directory, follow_symlinks=False)
        self._rename(beside, directory, last)

    def _rename(self, source: Path | str, directory: int, last: str) -> None:
        within = None if isinstance(source, Path) else directory
        try:
            os.rename(source, last, src_dir_fd=within, dst_dir_fd=directory)
        except OSError as error:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(source, dir_fd=within)
            raise InTheWay(f"{last} cannot be in {self.root}: {error.strerror}") from error


def _below(directory: int, name: str, *, make: bool) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=directory)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, dir_fd=directory)
    return os.open(name, _DIRECTORY, dir_fd=directory)
