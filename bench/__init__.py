"""Benches and drills: bounded, seeded, on loopback, each against its baseline in the same run."""
