"""Entra ID: application identities of runner users, signing in as one, and accepting their access tokens.

* :mod:`.models` – the directories whose tokens count (*Entra tenant*) and the application of each runner.
* :mod:`.sign_in` – obtains access tokens with msal; knows no Django, so that the worker outside uses it too.
* :mod:`.graph`, :mod:`.creating` – *Create External JQ Refresher User* and rotation through Microsoft Graph.
* :mod:`.consent`, :mod:`.round_trip` – sending an administrator to the login server and taking the answer.
* :mod:`.keys`, :mod:`.bearer` – the product as resource: whose access token is this, and may it refresh?

Login server and Graph are settings (``ENTRA``), for sovereign clouds and tests.
"""
