"""Which version of the program this is, for whoever writes down what it said."""

VERSION = "0.1.0"
