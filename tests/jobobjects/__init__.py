"""Job objects that exist in tests only; an installed app, so that workers started by tests know them too."""
