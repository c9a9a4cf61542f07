"""The code that a run consists of: its modules, their sources and the values that they look up."""
