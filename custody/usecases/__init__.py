"""What the service does, each act a file: pure rooms decide, the store keeps."""
