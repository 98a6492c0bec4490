"""The open benchmark: rendered people with full truth, free of licences."""

from rsclib.files.shipped import check_shipped

# Here, because whatever is built from a damaged file would lie in the cache under a good name.
for _name in ("motions.npz", "scenes.npz", "open_body.npz"):
    check_shipped(_name)
