"""Packages, their lines, recurrences and runs in the REST API.

Thin like every door: parse, check the permission, call one verb of ``packages.lifecycle``, answer. Refusals have the
same codes and sentences as in the admin and on the command line.
"""
