"""What bytes are: their kind, how large or long what they show is, and whether they can be what was promised."""
