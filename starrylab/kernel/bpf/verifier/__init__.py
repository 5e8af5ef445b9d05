"""The verifier: walks through every path of a program before anybody may run it."""
