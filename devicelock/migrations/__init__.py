"""Migrations of the device lock's tables."""
