"""Names below a directory: whole or not at all, and never by way of a symlink that somebody planted."""

import os
from pathlib import Path

import pytest

from archive.names.trees import InTheWay, Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "tree")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"content")
    return path


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory that has nothing to do with the tree."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "precious").write_bytes(b"precious")
    return path


def content(tree: Tree) -> dict[str, bytes]:
    return {name: (tree.root / name).read_bytes() for name, _ in tree.walk()}


def test_a_link_is_a_second_name_of_the_same_file(tree: Tree, source: Path) -> None:
    for _ in range(2):
        tree.link(source, "a/b/c.png")
    assert (tree.root / "a/b/c.png").samefile(source)
    assert list(tree.walk()) == [("a/b/c.png", source.stat().st_ino)]


def test_a_link_takes_another_file_s_place_and_leaves_that_as_it_was(tree: Tree, source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"other")
    tree.link(other, "a.png")
    tree.link(source, "a.png")
    assert content(tree) == {"a.png": b"content"}
    assert other.read_bytes() == b"other"


def test_a_file_is_put_in_one_step(tree: Tree, source: Path) -> None:
    tree.put(source, "a/b.png")
    assert content(tree) == {"a/b.png": b"content"}
    assert not source.exists()


@pytest.mark.parametrize("planted", ["a", "a/b"])
def test_a_planted_symlink_leads_nowhere(tree: Tree, source: Path, outside: Path, planted: str) -> None:
    (tree.root / "a").mkdir(parents=True)
    if planted == "a":
        (tree.root / "a").rmdir()
    (tree.root / planted).symlink_to(outside)
    for step in (tree.link, tree.put):
        with pytest.raises(InTheWay, match="is directories: move away what is none"):
            step(source, f"{planted}/precious")
    with pytest.raises(InTheWay):
        tree.open(f"{planted}/precious")
    tree.remove(f"{planted}/precious")
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_bytes() == b"precious"
    assert [name for name, _ in tree.walk()] == [planted], "and it is not walked into"


def test_a_symlink_with_a_file_s_name_gives_way_and_its_target_is_left_alone(
    tree: Tree, source: Path, outside: Path
) -> None:
    tree.root.mkdir()
    (tree.root / "a.png").symlink_to(outside / "precious")
    with pytest.raises(InTheWay, match="is no file"):
        tree.open("a.png")
    tree.link(source, "a.png")
    assert (outside / "precious").read_bytes() == b"precious"
    assert content(tree) == {"a.png": b"content"}


def test_a_tree_that_is_a_symlink_itself_is_not_entered(tree: Tree, source: Path, outside: Path) -> None:
    tree.root.symlink_to(outside)
    with pytest.raises(InTheWay):
        tree.link(source, "precious")
    assert (outside / "precious").read_bytes() == b"precious"


def test_a_directory_with_a_file_s_name_is_in_the_way(tree: Tree, source: Path) -> None:
    (tree.root / "a.png").mkdir(parents=True)
    with pytest.raises(InTheWay, match=r"a\.png cannot be in .*: Is a directory"):
        tree.link(source, "a.png")
    assert [path.name for path in tree.root.iterdir()] == ["a.png"], "and nothing is left lying beside it"


def test_a_name_is_removed_with_the_directories_that_it_leaves_empty(tree: Tree, source: Path) -> None:
    tree.link(source, "a/b/c/1.png")
    tree.link(source, "a/2.png")
    tree.remove("a/b/c/1.png")
    tree.remove("a/b/c/1.png")
    tree.remove("never/there")
    assert [str(path.relative_to(tree.root)) for path in sorted(tree.root.rglob("*"))] == ["a", "a/2.png"]
    assert source.read_bytes() == b"content"


def test_nothing_is_made_above_the_tree(tmp_path: Path, source: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Tree(tmp_path / "not mounted" / "tree").link(source, "a")


def test_a_file_is_opened_to_be_read(tree: Tree, source: Path) -> None:
    tree.link(source, "a.png")
    with os.fdopen(tree.open("a.png"), "rb") as file:
        assert file.read() == b"content"
    with pytest.raises(FileNotFoundError):
        tree.open("b.png")
