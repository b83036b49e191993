"""Look at connectors and sources without storing a record: which there are, what they need, whether they answer.

Everything here gives values; nothing is printed. What is asked goes out through the same calls as in a run.
"""
