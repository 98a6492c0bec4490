"""From people to batches: augmentation, mixing, and where training images come from."""
