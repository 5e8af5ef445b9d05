"""The lab process: owns one machine and its kernel, and speaks one protocol to all front ends."""
