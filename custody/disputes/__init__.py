"""Casework: the case, its promises, its clocks, the policy behind them and every word the customer reads. Pure."""
