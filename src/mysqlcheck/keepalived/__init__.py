"""keepalived's configuration: `conf` reads it, `lint` judges it, `generate` writes it. No check's way leads here."""
