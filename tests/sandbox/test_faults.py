import httpx
import pytest

from sandbox import faults
from sandbox.server import Sandbox
from tests.sandbox import consumers


def test_a_number_is_a_rate_and_the_rest_has_defaults() -> None:
    read = faults.parse({"truncate": 0.25, "api_429": {"times": None, "seconds": 4}, "hang": {}})
    assert read["truncate"] == faults.Fault(rate=0.25, times=3, seconds=0)
    assert read["api_429"] == faults.Fault(rate=1, times=None, seconds=4)
    assert read["hang"] == faults.Fault(rate=1, times=3, seconds=5)


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ([], "JSON object"),
        ({"trunkate": 1}, "no fault 'trunkate'; there are api_hang"),
        ({"truncate": 1.5}, "rate of the fault truncate"),
        ({"truncate": True}, "rate of the fault truncate"),
        ({"truncate": "often"}, "rate of the fault truncate"),
        ({"truncate": {"times": 0.5}}, "times of the fault truncate"),
        ({"truncate": {"seconds": 1}}, "truncate has no seconds"),
        ({"hang": {"seconds": 1e9}}, "seconds of the fault hang"),
    ],
)
def test_what_cannot_be_played_is_said_in_a_sentence(wishes: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        faults.parse(wishes)


def strikes(chance: faults.Chance, subject: str, asks: int, **own: faults.Fault) -> list[bool]:
    return [chance.strike(faults.STORAGE, subject, own) is not None for _ in range(asks)]


def test_a_fault_strikes_one_subject_so_many_times_and_then_no_more() -> None:
    chance = faults.Chance(0, {"truncate": faults.Fault()})
    assert strikes(chance, "a", 5) == [True, True, True, False, False]
    assert strikes(chance, "b", 5) == [True, True, True, False, False]
    assert chance.struck == {"truncate": 6}


def test_a_lasting_fault_strikes_for_ever() -> None:
    chance = faults.Chance(0, {})
    lasting = faults.Fault(times=None)
    assert all(strikes(chance, "a", 20, truncate=lasting))
    assert chance.lasts(["truncate"], {"truncate": lasting})
    assert not chance.lasts(["truncate"], {"truncate": faults.Fault(rate=0.5, times=None)})
    assert not chance.lasts(["truncate"], {})


def test_a_rate_is_how_often_it_strikes() -> None:
    chance = faults.Chance(0, {"truncate": faults.Fault(rate=0.1, times=None)})
    assert 70 < sum(strikes(chance, "a", 1000)) < 130


def test_chance_depends_on_the_seed_and_on_nobody_else() -> None:
    everywhere = {"truncate": faults.Fault(rate=0.5, times=None)}
    alone = strikes(faults.Chance(7, everywhere), "a", 20)
    crowded = faults.Chance(7, everywhere)
    seen = []
    for _ in range(20):
        strikes(crowded, "b", 3)
        seen += strikes(crowded, "a", 1)
    assert seen == alone
    assert strikes(faults.Chance(8, everywhere), "a", 20) != alone


def test_ones_own_fault_stands_before_that_for_everything() -> None:
    chance = faults.Chance(0, {"truncate": faults.Fault(times=None)})
    assert not any(strikes(chance, "a", 3, truncate=faults.Fault(rate=0)))
    assert all(strikes(chance, "b", 3))


def test_a_reset_begins_anew() -> None:
    chance = faults.Chance(0, {"truncate": faults.Fault(times=1)})
    assert strikes(chance, "a", 2) == [True, False]
    chance.reset(0, {"truncate": faults.Fault(times=1)})
    assert strikes(chance, "a", 2) == [True, False]
    chance.reset(0, {})
    assert strikes(chance, "a", 2) == [False, False]
    assert not chance.struck


async def test_under_all_faults_at_once_whoever_is_patient_gets_everything() -> None:
    brief = {name: 0.2 if name not in faults.SECONDS else {"rate": 0.2, "seconds": 0.1} for name in faults.NAMES}
    async with Sandbox(faults=brief, url_lifetime=2) as sandbox, consumers.of(sandbox) as consumer:

        async def patiently(request: httpx.Request, client: httpx.AsyncClient) -> httpx.Response:
            for _ in range(60):
                try:
                    answer = await client.send(request, follow_redirects=False)
                except httpx.TransportError:
                    continue
                if answer.status_code < 400:
                    return answer
            raise AssertionError(f"{request.method} {request.url.path} never succeeded")

        for step_type in ("imageGen", "polyGen"):
            body = {**consumers.body(step_type), "externalId": step_type}
            submit = consumer.api.build_request("POST", "/v2/consumer/workflows", params={"wait": 9}, json=body)
            assert (await patiently(submit, consumer.api)).json()["status"] == "succeeded"
        for blob in (await consumer.served()).values():
            assert blob["expected"] == "stored"
            for _ in range(60):
                refresh = consumer.api.build_request("POST", f"/v2/consumer/blobs/{blob['id']}/refresh")
                url = (await patiently(refresh, consumer.api)).json()["url"]
                try:
                    if await consumer.holds(await consumer.storage.get(url), blob):
                        break
                except httpx.TransportError:
                    pass
            else:
                pytest.fail(f"{blob['path']} never came")
        assert len(sandbox.chance.struck) > 8
