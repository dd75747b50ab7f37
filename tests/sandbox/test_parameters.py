import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


@pytest.mark.parametrize("wait", ["nan", "inf", "-inf", "1e999", "-1", "soon"])
async def test_a_wait_that_never_ends_or_makes_no_sense_is_a_problem(consumer: Consumer, wait: str) -> None:
    workflow = await consumer.run("echo")
    for answer in (await consumer.get(workflow["id"], wait=wait), await consumer.submit(consumers.body(), wait=wait)):
        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == {"wait"}


@pytest.mark.parametrize("wait", ["true", "True", "20", "20.5", "100000"])
async def test_a_wait_is_seconds_or_true(consumer: Consumer, wait: str) -> None:
    assert (await consumer.submit(consumers.body(seconds=0.3), wait=wait)).status_code == 200


@pytest.mark.parametrize("wait", ["false", "0", ""])
async def test_no_wait_is_no_wait(consumer: Consumer, wait: str) -> None:
    assert (await consumer.submit(consumers.body(seconds=5), wait=wait)).status_code == 202


async def test_names_and_flags_count_in_any_case(consumer: Consumer) -> None:
    failed = await consumer.run("echo", outcome="failed")
    assert failed["id"] in [item["id"] for item in await consumer.items(EXCLUDEFAILED="False")]
    assert failed["id"] not in [item["id"] for item in await consumer.items(excludefailed="TRUE")]


@pytest.mark.parametrize(
    ("name", "value"),
    [("ascending", "1"), ("hideMatureContent", "no"), ("toDate", "0001-01-01T00:00:00+23:59"), ("take", "9" * 5000)],
)
async def test_a_value_that_cannot_be_read_is_a_problem_that_names_it(
    consumer: Consumer, name: str, value: str
) -> None:
    answer = await consumer.api.get("/v2/consumer/workflows", params={name: value})
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {name}
