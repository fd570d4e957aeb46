"""BETWEEN a client and its server: carries frame faults, on every backend and for every client."""

from harness.proxy.proxy import FaultProxy

__all__ = ["FaultProxy"]
