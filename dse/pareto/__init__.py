"""Non-dominated points: fronts of tables, knees and hypervolumes."""
