"""Notification lists, the mail outbox and its channels. Empty until the notifications issue: then lists with lines
(recipient x scenario x repeat interval), links from entries to lists, and outbox rows written with the change they report."""
