"""Migrations of the doors' tables."""
