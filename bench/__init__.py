"""The benchmark: Jobwarden beside procrastinate and bare django-q2, on the same machine in the same minutes.

``python -m bench`` (or ``make bench``) measures. Every contender works off jobs that do nothing, with two workers and
everything it needs to be trusted afterwards: durable jobs, stored outcomes. Contenders take turns within each round,
so that a slow minute of the machine slows all of them; a round's ratio compares neighbours.
"""
