"""Fuzzing of what reads files: valid samples, mutations, targets and what each must answer."""
