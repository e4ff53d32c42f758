"""The command ``manage.py refresher``: a thin door. Reads arguments, calls one verb, prints words or JSON."""
