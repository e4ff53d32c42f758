"""Tests of packages: verbs, schedule, runs, crashes; admin and command line have modules of their own."""
