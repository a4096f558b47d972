"""Data sets: what a training run reads, for a block of replicates or shared by all."""
