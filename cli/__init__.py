"""The civitai-archive command."""
