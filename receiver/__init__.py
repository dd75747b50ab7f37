"""The door in: the callback endpoint."""
