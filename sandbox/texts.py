"""Outputs without blobs: the document itself is the result. Plausible, short, the same for the same seed."""

import hashlib
import random
from collections.abc import Callable, Mapping
from typing import Any

Document = dict[str, Any]
Wishes = Mapping[str, Any]
_SENTENCE = "A quiet harbour at dusk, lanterns on the water."


def output(step_type: str, wishes: Wishes, dice: random.Random) -> Document:
    """What a step of this type says; a type that nobody knows says that it was done."""
    say = _SAYINGS.get(step_type)
    return say(wishes, dice) if say else {"message": f"{step_type} is done."}


def caption(step_type: str, document: Document) -> None:
    """Add to a document of blobs the plain fields that stand beside them."""
    match step_type:
        case "training":
            document["moderationStatus"] = "approved"
            for number, epoch in enumerate(document["epochs"], start=1):
                epoch["epochNumber"] = number
        case "comfyNodepackSnapshot":
            for entry in document["results"]:
                entry["nodepack"] = "sandbox-nodes"
                entry["layerAir"] = "urn:air:other:nodepack:sandbox:nodes@1"
        case "videoFrameExtraction":
            document["totalFramesExtracted"] = len(document["frames"])
        case "textToSpeech":
            document["speaker"] = "sandbox"


def _chat(wishes: Wishes, dice: random.Random) -> Document:
    return {
        "id": f"chatcmpl-{dice.getrandbits(64):016x}",
        "object": "chat.completion",
        "created": 1_768_000_000,
        "model": str(wishes.get("model", "sandbox")),
        "choices": [{"index": 0, "message": {"role": "assistant", "content": _SENTENCE}, "finishReason": "stop"}],
        "usage": {"promptTokens": 12, "completionTokens": 11, "totalTokens": 23},
    }


def _transcription(_wishes: Wishes, _dice: random.Random) -> Document:
    words = _SENTENCE.split()
    stamps = [{"text": word, "startTime": i * 0.4, "endTime": i * 0.4 + 0.4} for i, word in enumerate(words)]
    return {"text": _SENTENCE, "language": "en", "timeStamps": stamps, "elapsedSeconds": 0.2}


def _rating(_wishes: Wishes, _dice: random.Random) -> Document:
    return {"nsfwLevel": "pg", "isBlocked": False, "blockedReason": None, "labels": ["harbour"]}


def _tags(_wishes: Wishes, dice: random.Random) -> Document:
    return {
        "tags": {tag: round(dice.uniform(0.5, 1), 4) for tag in ("outdoors", "water", "scenery")},
        "rating": {"general": 0.97, "sensitive": 0.02},
    }


def _ages(_wishes: Wishes, _dice: random.Random) -> Document:
    return {
        "labels": {},
        "hasMinor": False,
        "numPredictions": 0,
        "numFlagged": 0,
        "faceRecognitionAvailable": True,
    }


def _model_hash(_wishes: Wishes, dice: random.Random) -> Document:
    digest = hashlib.sha256(dice.randbytes(16)).hexdigest()
    return {"sha256": digest, "autoV2": digest[:10], "crc32": digest[-8:]}


def _clam(_wishes: Wishes, _dice: random.Random) -> Document:
    return {
        "exitCode": 0,
        "status": "clean",
        "infected": False,
        "infectedFileCount": 0,
        "scannedFileCount": 1,
    }


def _pickle(_wishes: Wishes, _dice: random.Random) -> Document:
    return {
        "exitCode": 0,
        "status": "clean",
        "globalImports": [],
        "dangerousImports": [],
        "dangerousImportsFound": False,
        "scannedFileCount": 1,
    }


def _moderation(key: str) -> Callable[[Wishes, random.Random], Document]:
    return lambda _wishes, _dice: {"results": [], "blocked": False, key: []}


_SAYINGS: dict[str, Callable[[Wishes, random.Random], Document]] = {
    "ageClassification": _ages,
    "audioCaptioning": lambda _wishes, _dice: {"results": {"0": {"text": _SENTENCE, "bpm": "92"}}},
    "chatCompletion": _chat,
    "echo": lambda wishes, _dice: {"message": str(wishes.get("message", ""))},
    "mediaCaptioning": lambda _wishes, _dice: {"caption": _SENTENCE},
    "mediaHash": lambda _wishes, dice: {"hashes": {"perceptual": f"{dice.getrandbits(64):016x}"}},
    "mediaRating": _rating,
    "modelClamScan": _clam,
    "modelHash": _model_hash,
    "modelParseMetadata": lambda _wishes, _dice: {"metadata": '{"ss_network_dim": "16"}'},
    "modelPickleScan": _pickle,
    "promptEnhancement": lambda _wishes, _dice: {
        "issues": [],
        "recommendations": [],
        "enhancedPrompt": _SENTENCE,
    },
    "qwenImageBench": lambda _wishes, dice: {
        "results": {"0": {"fieldScores": {"aesthetics": round(dice.uniform(5, 9), 2)}, "errors": {}}}
    },
    "shieldstralModeration": _moderation("triggeredPolicies"),
    "transcription": _transcription,
    "videoMetadata": lambda _wishes, _dice: {"width": 320, "height": 192, "fps": 12, "duration": "00:00:02"},
    "wdTagging": _tags,
    "xGuardModeration": _moderation("triggeredLabels"),
}
