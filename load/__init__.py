"""Load with Locust: `make load`, or `locust -f load/locustfile.py` against any stack (docs/load.md)."""
