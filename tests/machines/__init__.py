"""Machines behind the one door."""
