"""`make bench`: how fast the embedded stack is, beside what the real server did (docs/bench.md)."""
