"""What the subcommands of ``rsc`` do. Each calls functions that the notebooks call too."""
