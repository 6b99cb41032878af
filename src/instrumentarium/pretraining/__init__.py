"""Self-supervised pre-training: a backbone learns from windows of training recordings without looking at a label."""
