"""The worker outside: brings every company and runner user its hourly pass, and watches over the product.

A small program for another host or container (``python -m refresher.worker``). It knows the product by HTTP alone,
signs in with msal, and imports neither Django nor anything that does.

* :mod:`.configuration`, :mod:`.parsing` – one TOML file and the environment, with every problem in words.
* :mod:`.calling`, :mod:`.product`, :mod:`.identity` – HTTP with retries, the product's calls, and tokens.
* :mod:`.cycle` – one cycle: per runner a token, its assignments, a refresh per company, the outcome.
* :mod:`.watching`, :mod:`.incidents`, :mod:`.alarms` – what is wrong, told once, and when it is over.
* :mod:`.state` – the status file, by which all this survives a restart.
* :mod:`.program`, :mod:`.checking` – the command line, the loop, and ``--check``.
"""
