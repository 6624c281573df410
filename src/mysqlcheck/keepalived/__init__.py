"""keepalived's configuration: `conf` reads it, `lint` judges it, `generate` writes it. Nothing of a check's way is here."""
