"""The Linux ABI as data: numbers, flags, layouts.  Imports nothing of ours but `base`."""
