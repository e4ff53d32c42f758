"""The REST API of the refresher: what the worker outside calls.

The acting identity is that of the token and nothing else. A runner's own token (of Entra ID with the role
``JobQueue.Refresh``, or an API token with the scope ``refresh``) speaks for that runner; a token with the scope
``watch`` reads how the installation stands and says of runner users that they could not even sign in.
"""
