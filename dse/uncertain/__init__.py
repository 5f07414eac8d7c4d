"""What becomes of a front when the technology is not quite what the tables say."""
