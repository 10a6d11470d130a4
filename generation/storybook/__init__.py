"""The built-in model: the pictures it learnt from, its training, its weights."""
