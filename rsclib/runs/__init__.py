"""What surrounds a training: its folder, its processes, and where its numbers come from."""
