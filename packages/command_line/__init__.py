"""The command ``manage.py packages``: a thin door. Reads arguments, calls one verb, prints words or JSON."""
