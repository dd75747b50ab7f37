"""What stands in the pages for people: the commands that a reader is to type, those in running text, links."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer.main

from cli.main import app

HOUSE = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md", "dashboards/*.md", "skills/*/*.md")
    for path in HOUSE.glob(pattern)
)
LANGUAGES = {"json", "sh", "sql", "text"}
HISTORY = {page for page in PAGES if page.parent.name == "decisions" or page.name == "CHANGELOG.md"}
"""What tells how it was when it was written: nobody is asked to type what it names."""

NEEDS = re.compile(r"# Needs (.+)\.")
EXAMPLE = re.compile(r"  Example: (.+)")
IN_PASSING = re.compile(r"(?<!`)`([^`]+)`(?!`)")
NO_COMMAND = re.compile(r"(?![a-z./])|\. |\S+: |\w+ \(|.*\[")
"""What begins like a value, an option, SQL, HTTP or `name: value`, or says in brackets what may be given."""

PLACEHOLDER = re.compile(r"[A-Z][A-Z|-]*…?|.*…")
"""What stands for something of the reader's: `ID`, `TAG…`, `main:…`."""

SUBCOMMANDS = set(typer.main.get_group(app).commands)


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
        """Program and arguments."""
        return _spelled_out(shlex.split(self.text, comments=True))

    @property
    def calls(self) -> list[list[str]]:
        """The same of each command where several are joined."""
        lexer = shlex.shlex(self.text, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        called: list[list[str]] = [[]]
        for token in lexer:
            if set(token) <= set("();<>|&"):
                called.append([])
            else:
                called[-1].append(token)
        return [_spelled_out(words) for words in called if words]

    def is_within(self, words: Sequence[str]) -> bool:
        """Whether these are its words in their order, with others between them perhaps; a placeholder may be any."""
        left = iter(words)
        return words[0] == self.words[0] and all(
            any(PLACEHOLDER.fullmatch(wanted) or wanted == word for word in left) for wanted in self.words
        )


def _spelled_out(words: list[str]) -> list[str]:
    """`civitai-archive` by its name, wherever it lies, and in front of a command of its own where it is left out."""
    program = re.sub(r".*/(?=civitai-archive$)", "", words[0])
    return ["civitai-archive", *words] if program in SUBCOMMANDS else [program, *words[1:]]


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


def commands_in_passing(page: Path) -> list[Command]:
    """Each command between backticks in running text: whatever has several words and begins like nothing else.

    One word alone is a name (`make`, `alembic.ini`), and not what somebody is to type.
    """
    lines = page.read_text().splitlines()
    for block in blocks(page):
        lines[block.line - 1 : block.line - 1 + len(block.lines)] = [""] * len(block.lines)
    text = "\n".join("" if line.startswith("```") else line for line in lines)
    found = []
    for span in IN_PASSING.finditer(text):
        said, line = span[1].replace("\n", " "), text.count("\n", 0, span.start()) + 1
        if " " in said and not NO_COMMAND.match(said):
            found += [Command(page, line, each, None) for each in said.split(" && ")]
    return found


def links(page: Path) -> list[tuple[Path, str]]:
    """The files that a page links to, each with the heading in it."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    inside = [target.partition("#") for target in targets if "://" not in target]
    return [(page.parent / path if path else page, heading) for path, _, heading in inside]


def anchors(page: Path) -> set[str]:
    """What a link may name of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
