"""The transparency log as pure computation: tree, tiles, notes, receipts, key registry, audit."""
