"""What a user holds in hand: an evaluation, a sweep, a front, what a search found."""
