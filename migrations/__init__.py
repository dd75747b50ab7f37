"""The schema's history, and the way from any point of it to today: `civitai-archive migrate`."""
