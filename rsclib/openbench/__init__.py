"""The open benchmark: rendered people with full truth, free of licences."""
