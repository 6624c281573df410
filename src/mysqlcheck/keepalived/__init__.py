"""keepalived's configuration: `generate` writes it. No check's way leads here."""
