"""Other people's tools, measured beside ours: BlazePose, as its makers publish it."""
