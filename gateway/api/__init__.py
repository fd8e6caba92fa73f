"""The integrator's door: JSON over HTTP."""
