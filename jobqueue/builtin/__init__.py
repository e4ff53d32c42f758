"""The product's own job objects: useful at once, without a line of code. Ids are stable and unique across both types.

1 HTTP request · 2 Management command · 3 SQL query (report) · 4 Send e-mail · 5 Log clean-up
"""
