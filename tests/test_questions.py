"""docs/questions.md: every query on the page runs, as whom it says, and the questions are numbered."""

import re
from pathlib import Path

import pytest

from embedded.supervisor import Addresses
from tests import reading

PAGE = (Path(__file__).parents[1] / "docs" / "questions.md").read_text()
ASKED = re.findall(r"^\*\*(\d+)\. (.+?)\*\*\n\n```sql\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL)

# These ask for one workflow or file that the history does not have, or for trouble that it does not show.
MAY_BE_EMPTY = {3, 7, 8, 9, 15}


def test_there_are_twenty_questions_and_no_query_without_one() -> None:
    assert [int(number) for number, _, _ in ASKED] == list(range(1, 21))
    assert PAGE.count("```sql") == 20


@pytest.mark.parametrize(("number", "question", "query"), ASKED, ids=[question for _, question, _ in ASKED])
async def test_the_reader_gets_an_answer(history: Addresses, number: str, question: str, query: str) -> None:
    assert question.endswith("?")
    async with reading.as_reader(history) as connection:
        rows = await connection.fetch(query)
    assert rows or int(number) in MAY_BE_EMPTY
