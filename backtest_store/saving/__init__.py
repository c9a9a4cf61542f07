"""A captured run on its way to the store, or to the disk if the store is away.

Where a run is, from its start to the end:

==================== =====================================================================
journal/ID.json      under way; its process lives, or has died and nobody has looked yet
spool/ID.json        over, and waiting for the store that it was meant for
spool/rejected/      the database will never take it; the reason lies beside it
spool/aside/         no run at all: torn, foreign, not ours
the store            saved; no file of it is left
==================== =====================================================================

All files have one form (`run_file_format`), so the note of a run whose process died becomes a
waiting run by being moved. A save is a file in the spool unless the database answers at once.
"""
