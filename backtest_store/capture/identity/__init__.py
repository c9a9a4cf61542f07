"""What a run is: its configuration, data and code, and their digests."""
