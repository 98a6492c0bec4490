"""The open benchmark: rendered people with full truth, free of licences."""

from rsclib.files.shipped import check_shipped

# Here, because the modules below are part of the name of every built part: an edit throws it away.
for _name in ("motions.npz", "scenes.npz", "open_body.npz"):
    check_shipped(_name)
