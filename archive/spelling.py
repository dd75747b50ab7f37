"""How our own names are spelled in what leaves us as JSON: as Civitai spells its own."""


def camel(name: str) -> str:
    """`workflow_id` as `workflowId`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
