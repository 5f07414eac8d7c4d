"""How machines are costed, one file a way: batches of two levels, templates, nests of any depth."""
