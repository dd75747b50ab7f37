"""Step type → output: which blobs stand where, and how many.

`PLACES` is the stand-in's own table of the published step types: a path in the output (`[]` marks a list) and
what is made there. The stand-in is generous: it fills every place that a type has, so none goes untested.
"""

import itertools
from typing import Any

from sandbox import content, files, identifiers, results, state, texts

_ARMATURES = {
    f"basicAnimations.{gait}{form}": make
    for gait in ("walking", "running")
    for form, make in (("Model", results.glb), ("FbxModel", results.fbx), ("ArmatureModel", results.glb))
}
PLACES: dict[str, dict[str, results.Make]] = {
    "aceStepAudio": {"blob": results.music},
    "comfy": {"blobs[]": results.image},
    "comfyNodepackSnapshot": {
        "results[].layer": results.layer,
        "results[].objectInfo": results.objects,
        "results[].web": results.layer,
    },
    "composeMedia": {"videoBlob": results.video, "audioBlob": results.music},
    "convertImage": {"blob": results.image},
    "customComfy": {"blobs[]": results.image, "tempBlobs[]": results.image},
    "humanoidImageMask": {"blob": results.cutout},
    "imageBackgroundRemoval": {"image": results.cutout},
    "imageGen": {"images[]": results.image},
    "imageToSvg": {"svg": results.drawing},
    "imageUpload": {"blob": results.image},
    "imageUpscaler": {"blob": results.image},
    "miniMaxMusic3": {"blob": results.music},
    "model3DPreview": {"images[]": results.image},
    "polyGen": {
        "model": results.glb,
        "fbxModel": results.fbx,
        "thumbnail": results.image,
        "riggedModel": results.glb,
        "riggedFbxModel": results.fbx,
        "animatedModel": results.glb,
        "animatedFbxModel": results.fbx,
        **_ARMATURES,
    },
    "preprocessImage": {"blob": results.image},
    "textToImage": {"images[]": results.image},
    "textToSpeech": {"audioBlob": results.speech},
    "training": {"epochs[].model": results.weights, "epochs[].samples[]": results.image},
    "tryOnU": {"blob": results.image},
    "videoBackgroundRemoval": {"video": results.video},
    "videoEnhancement": {"video": results.video},
    "videoFrameExtraction": {"frames[]": results.image},
    "videoGen": {"video": results.video, "additionalVideos[]": results.video, "draftCache": results.weights},
    "videoInterpolation": {"video": results.video},
    "videoUpscaler": {"video": results.video},
}
# The sources spell some types in two ways, `model3dPreview` for one.
_PLACES = {name.lower(): places for name, places in PLACES.items()}

MOST_ENTRIES = 500  # of one list
# Which input says how many entries a list gets, and how many it gets when that is absent.
_COUNTS = {
    "images": ("quantity", 1),
    "blobs": ("quantity", 1),
    "frames": ("maxFrames", 6),
    "epochs": ("epochs", 2),
    "additionalVideos": ("additionalVideos", 1),
    "samples": ("samplesPerEpoch", 2),
    "steps": ("times", 2),
}


class Address:
    """In an output: a blob's signed URL alone, where the real one gives no blob object."""

    def __init__(self, blob: state.Blob) -> None:
        self.blob = blob


class Expiry:
    """In an output: when the signed URLs beside it end."""


class Builder:
    """Builds one step's `output`, and collects its `blobs`, previews included, by their path in it.

    Encodes media: call `build` in a thread.
    """

    def __init__(self, memory: state.State, workflow: state.Workflow, step: state.Step) -> None:
        self.output: Any = None
        self.blobs: dict[str, state.Blob] = {}
        self._workflow, self._step, self._dice = workflow, step, workflow.dice
        self._clock, self._retention, self._jobs = memory.clock, memory.retention, itertools.cycle(step.jobs)

    def build(self) -> None:
        """Make the `output` of the step: plain JSON, `Blob`, `Address` and `Expiry`."""
        self.output = self._output(self._step.type, self._step.input, "")

    def _output(self, step_type: str, wishes: dict[str, Any], at: str) -> Any:
        match step_type:
            case "transcode":
                return self._blob(results.video, wishes, at.removesuffix("."), typed=False)
            case "blobArchive":
                return self._archive(wishes, at)
            case "imageResourceTraining":
                return self._older_training(wishes, at)
            case "repeat":
                return self._repeat(wishes, at)
        places = _PLACES.get(step_type.lower())
        if places is None:
            return texts.output(step_type, wishes, self._dice)
        output: dict[str, Any] = {}
        for path, make in places.items():
            self._fill(output, path, make, wishes, at)
        texts.caption(step_type, output)
        return output

    def _fill(self, tree: dict[str, Any], path: str, make: results.Make, wishes: dict[str, Any], at: str) -> None:
        """Put what `make` makes at `path` of `tree`, as often as its lists have entries."""
        name, _, rest = path.partition(".")
        if not name.endswith("[]"):
            if rest:
                self._fill(tree.setdefault(name, {}), rest, make, wishes, f"{at}{name}.")
            else:
                tree[name] = self._blob(make, wishes, at + name)
            return
        name = name.removesuffix("[]")
        entries = tree.setdefault(name, [])
        for number in range(count(name, wishes)):
            here = f"{at}{name}[{number}]"
            if not rest:
                entries.append(self._blob(make, wishes, here))
                continue
            if number == len(entries):
                entries.append({})
            self._fill(entries[number], rest, make, wishes, f"{here}.")

    def _blob(self, make: results.Make, wishes: dict[str, Any], path: str, *, typed: bool = True) -> state.Blob:
        result, job = make(wishes, self._dice, self._step.scenario.size), next(self._jobs)
        blob = self._keep(result.file, result.extension, path, job)
        if typed:
            blob.type, blob.facts = result.type, result.facts
            if result.preview:
                blob.preview = self._keep(result.preview, "jpeg", f"{path}.previewUrl", job)
        return blob

    def _keep(self, file: content.Content, extension: str, path: str, job: state.Job) -> state.Blob:
        made_at = self._clock.now()
        blob = state.Blob(
            id=identifiers.new_blob_id(self._dice, extension),
            job_id=job.id,
            type=None,
            file=file,
            made_at=made_at,
            expires_at=made_at + self._retention,
            scenario=self._step.scenario,
            ephemeral=self._workflow.ephemeral,
        )
        self.blobs[path] = blob
        return blob

    def _archive(self, wishes: dict[str, Any], at: str) -> dict[str, Any]:
        entries = wishes.get("entries")
        entries = entries if isinstance(entries, list) else []
        names = [_archivable(entry.get("blobId")) for entry in entries if isinstance(entry, dict)]
        file = files.bundle([(name, name.encode()) for name in names])
        blob = self._keep(file, "zip", f"{at}url", next(self._jobs))
        return {"url": Address(blob), "entryCount": len(names), "format": "zip", "expiresAt": Expiry()}

    def _older_training(self, wishes: dict[str, Any], at: str) -> dict[str, Any]:
        epochs = []
        for number in range(count("epochs", wishes)):
            here = f"{at}epochs[{number}]"
            model = self._blob(results.weights, wishes, f"{here}.blobUrl", typed=False)
            samples = [
                self._blob(results.image, wishes, f"{here}.sampleImages[{sample}]", typed=False)
                for sample in range(count("samples", wishes))
            ]
            epochs.append(
                {
                    "epochNumber": number + 1,
                    "blobName": model.id,
                    "blobSize": model.file.size,
                    "blobUrl": Address(model),
                    "sampleImages": [Address(sample) for sample in samples],
                }
            )
        return {"moderationStatus": "approved", "epochs": epochs, "sampleImagesPrompts": []}

    def _repeat(self, wishes: dict[str, Any], at: str) -> dict[str, Any]:
        template = wishes.get("template")
        template = template if isinstance(template, dict) else {}
        inner_type, inner_input = str(template.get("$type", "echo")), template.get("input")
        inner_input = inner_input if isinstance(inner_input, dict) else {}
        return {
            "steps": [
                {
                    "$type": inner_type,
                    "name": f"{self._step.name}[{number}]",
                    "status": "succeeded",
                    "priority": "normal",
                    "metadata": {},
                    "input": inner_input,
                    "output": self._output(inner_type, inner_input, f"{at}steps[{number}].output."),
                }
                for number in range(count("steps", wishes))
            ]
        }


def _archivable(blob_id: object) -> str:
    """A name that ZIP can hold: UTF-8, and not endless."""
    return str(blob_id)[:200].encode("utf-8", "replace").decode()


def count(name: str, wishes: dict[str, Any]) -> int:
    """How many entries the list `name` gets, as the input wishes."""
    wish, default = _COUNTS.get(name, ("", 1))
    value = wishes.get(wish)
    return default if type(value) is not int else max(0, min(MOST_ENTRIES, value))
