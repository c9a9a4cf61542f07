"""A captured run on its way to the store, or to the disk if the store is away."""
