"""A stand-in for Civitai's orchestrator, for demos and tests."""
