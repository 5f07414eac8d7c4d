"""How costing spreads over processors and survives them: tasks, parts, stores, progress."""
