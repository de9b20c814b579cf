"""Command lines: the console scripts, and the settings and exit codes that they share.

This is the only place that knows argparse and exit codes. It imports no TensorFlow by itself, so
that the commands of the client run without it.
"""
