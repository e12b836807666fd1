"""What a running service holds: its folder, keys, connections, broker, further processes and threads."""
