"""Checking an evidence pack offline, by whoever trusts neither the service nor its database."""
