import pytest

from cli import failures, listening


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_it_listens_where_it_is_told(host: str) -> None:
    with listening.listen(host, 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_taken_port_is_one_sentence(taken_port: int) -> None:
    with pytest.raises(
        failures.CommandFailed, match=rf"cannot listen on 127\.0\.0\.1 port {taken_port} \(.*in use\): "
    ):
        listening.listen("127.0.0.1", taken_port)


def test_an_address_of_another_machine_is_one_sentence() -> None:
    with pytest.raises(failures.CommandFailed, match=r"port 8000 \([^()]+\): choose an address of this machine"):
        listening.listen("192.0.2.1", 8000)
