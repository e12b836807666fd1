"""What happened to the parcel, what we owe the customer, where the chain is weak."""
