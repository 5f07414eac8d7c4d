"""Count sets: what every mapping of a nest counts, once; prices, capacities and clocks, many."""
