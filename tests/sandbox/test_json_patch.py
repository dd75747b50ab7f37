from typing import Any

import pytest

from sandbox import json_patch

Operations = list[dict[str, Any]]


@pytest.mark.parametrize(
    ("document", "operations", "expected"),
    [
        # The examples of RFC 6902, appendix A.
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
        ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
        ({"baz": "qux", "foo": 1}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo", "foo": 1}),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        (
            {"baz": "qux", "foo": ["a", 2, "c"]},
            [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2.0}],
            {"baz": "qux", "foo": ["a", 2, "c"]},
        ),
        (
            {"foo": "bar"},
            [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
            {"foo": "bar", "child": {"grandchild": {}}},
        ),
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}], {"foo": "bar", "baz": "qux"}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc"]}], {"foo": ["bar", ["abc"]]}),
        # And what they leave out.
        ({"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"}, {"op": "add", "path": "/b/-", "value": 2}],
         {"a": [1], "b": [1, 2]}),
        ({"a": [1, 2]}, [{"op": "replace", "path": "/a/0", "value": 3}], {"a": [3, 2]}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": []}], []),
        ({"": 1}, [{"op": "remove", "path": "/"}], {}),
    ],
)  # fmt: skip
def test_operations_change_the_document_as_rfc_6902_says(
    document: object, operations: Operations, expected: object
) -> None:
    before = repr(document)
    assert json_patch.apply(document, operations) == expected
    assert repr(document) == before


@pytest.mark.parametrize(
    "operations",
    [
        {},
        ["x"],
        [{"op": "invent", "path": "/a"}],
        [{"op": ["add"], "path": "/a", "value": 1}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/a"}],
        [{"op": "add", "path": "/b/c", "value": 1}],
        [{"op": "add", "path": "/a/2", "value": 1}],
        [{"op": "add", "path": "/a/01", "value": 1}],
        [{"op": "replace", "path": "/a/-", "value": 1}],
        [{"op": "replace", "path": "/b", "value": 1}],
        [{"op": "remove", "path": "/b"}],
        [{"op": "move", "from": "/a", "path": "/a/0"}],
        [{"op": "copy", "from": "/b", "path": "/c"}],
        [{"op": "test", "path": "/a/0", "value": True}],
        [{"op": "test", "path": "/a", "value": [1, 2]}],
    ],
)
def test_a_patch_that_does_not_fit_is_an_error(operations: object) -> None:
    with pytest.raises(json_patch.PatchError):
        json_patch.apply({"a": [1]}, operations)


def test_an_error_names_the_operation() -> None:
    operations = [{"op": "add", "path": "/b", "value": 1}, {"op": "test", "path": "/b", "value": 2}]
    with pytest.raises(json_patch.PatchError, match="Operation 1: the test failed"):
        json_patch.apply({}, operations)
