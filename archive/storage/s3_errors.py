"""What an S3-compatible store's errors mean, for whoever runs the archive."""

import re

_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3}[A-Za-z ]*)")


def sentence(url: str, told: str) -> str:
    """What is wrong with the storage at this address and what to do, without what the store or its client quotes."""
    code, status = _CODE.search(told), _STATUS.search(told)
    reason = code[1] if code else status[1].strip() if status else "it does not answer"
    match reason[:3], reason:
        case _, "NoSuchBucket":
            advice = "make the bucket, or correct STORAGE_URL"
        case ("403", _) | (_, "SignatureDoesNotMatch" | "InvalidAccessKeyId" | "AccessDenied" | "ExpiredToken"):
            advice = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and what they may do there"
        case _:
            advice = "check that the store is up, AWS_ENDPOINT_URL and AWS_REGION"
    return f"The storage at {url} cannot be used ({reason}): {advice}."
