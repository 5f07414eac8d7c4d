"""What trains modules and takes them apart: data sets, training, growing and pruning connections."""
