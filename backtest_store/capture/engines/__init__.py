"""What is known of NautilusTrader's insides."""
