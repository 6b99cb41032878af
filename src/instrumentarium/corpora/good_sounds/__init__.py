"""good-sounds: single notes and scales, well and badly played."""
