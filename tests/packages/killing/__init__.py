"""An app for workers of the kill tests: it kills its own process at one named point, once."""
