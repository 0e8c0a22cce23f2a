"""The modules of `scratch`: main.py reads the command line, and each subcommand has a module of its own."""
