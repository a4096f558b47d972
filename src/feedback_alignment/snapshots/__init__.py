"""Results as they are published in `docs/results/`: written, verified, and quoted in documents."""
