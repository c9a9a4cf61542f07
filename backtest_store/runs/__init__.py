"""Questions about stored runs: listing, filters, selectors, comparisons, transfer."""
