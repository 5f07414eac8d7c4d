"""What spaces are written in, of machines and of networks alike: quantities, axes and constraints."""
