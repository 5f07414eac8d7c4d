"""Sparsity: where the zeros lie, what they save, how they are stored, and the schemes that make them."""
