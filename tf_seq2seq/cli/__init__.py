"""The console scripts, and the settings and exit codes that they share.

This is the only part of the package that uses argparse and exit codes. It does not import
TensorFlow itself, so that `tf-seq2seq-client` runs without it.
"""
