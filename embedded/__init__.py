"""PostgreSQL and Valkey from wheels, supervised, for one machine."""
