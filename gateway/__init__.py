"""The door out: Civitai's own API, answered by Civitai while it can and by the archive when it cannot any more."""
