"""Tests of the training pipeline, by the standard library's unittest."""
