"""Identifiers in the shapes that were seen in the wild, made by dice."""

import random
import uuid

_BLOB_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_job_id(dice: random.Random) -> str:
    """A UUID."""
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def new_blob_id(dice: random.Random, extension: str) -> str:
    """In the shape of `JNFDW54JNTATNW42HACYCWSQP0.jpeg`."""
    return "".join(dice.choices(_BLOB_ALPHABET, k=26)) + "." + extension
