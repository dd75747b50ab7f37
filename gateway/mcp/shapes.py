"""Our own facts as a tool tells them: JSON in Civitai's spelling (`workflowId`), and the JSON Schema of it."""

from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from archive.spelling import camel
from gateway.schemas import SCHEMAS, Schema
from orchestration.wire import JsonObject

T = TypeVar("T")


class Shape(Generic[T]):
    """What a tool tells of this dataclass, whose fields are values, lists and dataclasses."""

    def __init__(self, of: type[T]) -> None:
        self._adapter = TypeAdapter(of)
        self.schema: Schema = _schema(self._adapter.json_schema(mode="serialization"))

    def tell(self, value: T) -> JsonObject:
        """The value as JSON; times are ISO 8601."""
        told: JsonObject = _value(self._adapter.dump_python(value, mode="json"))
        return told


def published(name: str) -> Schema:
    """A schema of the OpenAPI document, with all that it refers to within itself."""
    needed: dict[str, Schema] = {}
    within = _inward(SCHEMAS[name], needed)
    return {**within, "$defs": needed} if needed else within


def _inward(schema: Any, needed: dict[str, Schema]) -> Any:
    """The schema with its references turned inward, to what is then `needed`."""
    if isinstance(schema, list):
        return [_inward(item, needed) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" not in schema:
        return {key: _inward(value, needed) for key, value in schema.items()}
    name = schema["$ref"].rpartition("/")[2]
    if name not in needed:
        needed[name] = {}  # before what it refers to, which may be itself
        needed[name] = _inward(SCHEMAS[name], needed)
    return {"$ref": f"#/$defs/{name}"}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {camel(key): _value(child) for key, child in value.items()}
    return [_value(item) for item in value] if isinstance(value, list) else value


def _schema(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    renamed = {key: _schema(value) for key, value in schema.items()}
    if isinstance(properties := renamed.get("properties"), dict):
        renamed["properties"] = {camel(name): value for name, value in properties.items()}
        renamed["required"] = [camel(name) for name in renamed.get("required", ())]
    return renamed
