"""Civitai's side as a library: the API client, callback bodies, output documents.

Nothing here knows of a database, a queue or our settings.
"""
