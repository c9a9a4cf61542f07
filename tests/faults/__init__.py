"""Real faults against real servers, and how many runs survive them: all, once each."""
