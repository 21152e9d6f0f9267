"""Speed, as ratios within one run against a named reference. `make bench`; ROWS= chooses the depth of history."""
