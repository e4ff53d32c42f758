"""Notification lists, the mail outbox and its channels.

Empty until the notifications issue. Then: lists with lines (recipient, scenario, repeat interval), links from entries
to lists, and outbox rows written in the transaction of the change they report.
"""
