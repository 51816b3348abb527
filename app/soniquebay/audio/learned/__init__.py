"""The learned model: a small neural network that was trained to tag music, run by numpy alone."""
