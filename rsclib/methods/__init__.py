"""What a run trains: a file a family of table rows, each handed to :func:`rsclib.train.train`."""
