"""What stands in the pages for people: blocks of commands, commands in passing, links."""

import re
import shlex
from pathlib import Path

HOUSE = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md", "dashboards/*.md", "skills/*/*.md")
    for path in HOUSE.glob(pattern)
)


def blocks(page: Path) -> list[str]:
    """The blocks that are marked as commands of a shell."""
    return re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[list[str]]:
    """The arguments of each `civitai-archive …` in a block or between backticks."""
    text = page.read_text()
    fenced = re.findall(r"^```(?:sh)?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    inline = [span.replace("\n", " ") for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    lines = [line for block in fenced for line in block.splitlines()] + indented + inline
    found = [re.search(r"(?:^|/|&& |exec \w+ )civitai-archive ((?!=|…).*)", line) for line in lines]
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
