"""Networks and machines together: accuracy measured and predicted, and searches over both."""
