"""`make bench`: Firn and other backup programs, side by side, on the same disks."""
