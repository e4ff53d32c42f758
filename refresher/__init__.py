"""Monitored entries restored by a worker outside the product. Empty until the refresher issue: then monitored jobs,
runner users, and the worker program (`python -m refresher.worker`) that needs only HTTP."""
