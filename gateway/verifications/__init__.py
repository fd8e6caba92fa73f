"""The integrator's journeys: those that change a verification, and those that only look at one."""

from gateway.verifications.changes import Verifications
from gateway.verifications.ways import Wish

__all__ = ["Verifications", "Wish"]
