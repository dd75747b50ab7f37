"""What we keep: settings, tables, the SQL verbs, storage, the queue's words, access.

Nothing here calls out over HTTP. SQL verbs take a connection and never commit: whoever opened the transaction decides.
"""
