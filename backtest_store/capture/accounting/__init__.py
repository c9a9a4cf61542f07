"""What a run is worth: prices, balances, positions and trades."""
