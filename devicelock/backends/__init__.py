"""Lock systems behind one contract: our own agent first, others beside it."""
