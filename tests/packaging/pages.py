"""What stands in the pages for people: the commands that a reader is to type, commands in passing, links."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md", "dashboards/*.md", "skills/*/*.md")
    for path in HOUSE.glob(pattern)
)
LANGUAGES = {"json", "sh", "sql", "text"}
NEEDS = re.compile(r"# Needs (.+)\.")
EXAMPLE = re.compile(r"  Example: (.+)")


@dataclass(frozen=True)
class Block:
    """A fenced block: the line of its first line, counted from 1, and its language."""

    line: int
    language: str
    lines: list[str]


@dataclass(frozen=True)
class Command:
    """What a reader is to type, the line where it begins, and what the page says that it needs."""

    page: Path
    line: int
    text: str
    needs: str | None

    def __str__(self) -> str:
        return f"{name(self.page)}:{self.line}"

    @property
    def words(self) -> list[str]:
        """Program and arguments; civitai-archive by its name, wherever it lies."""
        program, *arguments = shlex.split(self.text, comments=True)
        return [re.sub(r".*/(?=civitai-archive$)", "", program), *arguments]


def name(page: Path) -> str:
    """Where the page lies in the house."""
    return str(page.relative_to(HOUSE))


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    block: Block | None = None
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if not line.startswith("```"):
            if block is not None:
                block.lines.append(line)
        elif block is None:
            block = Block(number + 1, line.removeprefix("```"), [])
        else:
            yield block
            block = None


def indented(page: Path) -> list[int]:
    """The lines that Markdown takes for the first of a block because of their indentation alone."""
    lines = ["", *page.read_text().splitlines()]
    fenced = {number for block in blocks(page) for number in range(block.line, block.line + len(block.lines))}
    begins = [number for number in range(1, len(lines)) if lines[number].startswith("    ") and not lines[number - 1]]
    return [number for number in begins if number not in fenced]


def commands(page: Path) -> list[Command]:
    """Each command in a block of them, and each example in the help of a command.

    A block that begins with `# Needs a real token.` or the like says so of all its commands.
    """
    found = []
    for block in blocks(page):
        if block.language == "sh":
            needs = NEEDS.fullmatch(block.lines[0])
            found += [Command(page, line, text, needs and needs[1]) for line, text in _split(block)]
        examples = enumerate(map(EXAMPLE.fullmatch, block.lines), block.line)
        found += [Command(page, line, example[1], None) for line, example in examples if example]
    return found


def _split(block: Block) -> Iterator[tuple[int, str]]:
    """The commands of a block with their lines; one goes on while a quote is open or a line ends in a backslash."""
    began, text = block.line, ""
    for number, line in enumerate(block.lines, block.line):
        began, text = (began, f"{text}\n{line}") if text else (number, line)
        try:
            words = shlex.split(text, comments=True)
        except ValueError:
            continue
        if words:
            yield began, text
        text = ""
    assert not text, f"line {began}: this command has no end"


def mentioned(page: Path) -> list[list[str]]:
    """The arguments of each `civitai-archive …` in a block or between backticks."""
    text = page.read_text()
    fenced = [line for block in blocks(page) if block.language == "sh" for line in block.lines]
    inline = [span.replace("\n", " ") for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    found = [re.search(r"(?:^|/|&& |exec \w+ )civitai-archive ((?!=|…).*)", line) for line in fenced + inline]
    return [shlex.split(match[1].partition(" && ")[0], comments=True) for match in found if match]


def links(page: Path) -> list[tuple[Path, str]]:
    """The files that a page links to, each with the heading in it."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    inside = [target.partition("#") for target in targets if "://" not in target]
    return [(page.parent / path if path else page, heading) for path, _, heading in inside]


def anchors(page: Path) -> set[str]:
    """What a link may name of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
