"""Licensed data sets, each read where its owner's archive unpacks to; none of them is needed."""
