"""Run backtests: from config files, from scripts, and again from what is stored.

What a user can mend is a `UsageError` that names file, line, key and value; what cannot be run or
saved for another reason is a `StoreError` with a hint.
"""
