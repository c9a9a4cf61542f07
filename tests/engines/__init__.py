"""What has to be the same on every NautilusTrader: these tests run on 1.221, on 1.231 and on 2.0."""
