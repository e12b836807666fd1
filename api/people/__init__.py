"""Who is at the door: accounts, the persons behind them, signing in, and how often somebody may try."""
