import pytest

from orchestration import heads


def fed(*data: bytes) -> heads.Head:
    head = heads.Head()
    for each in data:
        head.feed(memoryview(each))
    return head


def test_a_head_is_told_when_its_last_line_has_come() -> None:
    head = fed(b'HTTP/1.1 206 Partial Content\r\nETag: "a"\r\nContent-Le', b"ngth: 7\r\n")
    assert not head.is_told
    head.feed(memoryview(b"\r\nabc"))
    assert (head.is_told, head.is_whole, head.status, head.length) == (True, False, 206, 7)
    assert (head.headers["etag"], head.body, head.came) == ('"a"', [b"abc"], 3)


def test_an_answer_that_says_that_another_will_come_is_passed_over() -> None:
    head = fed(
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 No\r\nA: b\r\n\r\n"
    )
    assert (head.status, dict(head.headers), head.is_whole, head.stays) == (204, {"A": "b"}, True, True)


def test_the_length_of_what_comes_in_chunks_is_not_known() -> None:
    head = fed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nETag: late\r\n\r\n")
    assert (head.length, head.body, head.is_whole) == (None, [b"abc"], True)
    assert "ETag" not in head.headers


def test_the_end_of_the_connection_ends_what_nothing_else_ends() -> None:
    for told, is_whole in ((b"", True), (b"Content-Length: 5\r\n", False), (b"Transfer-Encoding: chunked\r\n", False)):
        head = fed(b"HTTP/1.1 200 OK\r\n" + told + b"\r\n")
        head.end()
        assert (head.is_whole, head.stays and head.is_whole) == (is_whole, False)


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (heads.LINES + 2),
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * heads.LINE_BYTES + b"\r\n\r\n",
    ],
)
def test_what_is_no_answer_or_more_than_one_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        fed(data)


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nA: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: ", b"x"),
    ],
)
def test_what_brings_no_content_has_an_end(begun: bytes, more: bytes) -> None:
    head = fed(begun, more * ((heads.EMPTY_BYTES - 100) // len(more)))
    with pytest.raises(ValueError, match="no content"):
        head.feed(memoryview(more * 200))
