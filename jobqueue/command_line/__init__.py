"""The command ``manage.py jobqueue``: a thin door. Reads arguments, calls one verb, prints words or JSON."""
