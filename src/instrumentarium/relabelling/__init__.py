"""Labels made anew: two labellings compared, labels held against time, coarse labels split into finer ones."""
