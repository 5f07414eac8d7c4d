"""Figures and texts of what is handed in; nothing is computed here."""
