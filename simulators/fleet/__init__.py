"""A simulated parcel network with thieves, losses and honest mistakes, and an oracle that knows the truth of it."""
