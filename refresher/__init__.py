"""Monitored entries restored by a worker outside the product.

Empty until the refresher issue. Then: monitored jobs, runner users, and the worker program
(``python -m refresher.worker``), which needs only HTTP.
"""
