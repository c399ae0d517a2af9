"""A module that lies beside the program that imports it."""

xrange = range
