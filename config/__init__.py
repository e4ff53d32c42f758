"""The house around the apps: settings, addresses, health, start-up. Imports everything; nothing imports it."""
