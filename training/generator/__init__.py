"""The generator of the training text: see README.md beside this folder."""
