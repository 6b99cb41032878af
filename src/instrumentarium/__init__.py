"""Which instruments play in a recording."""

import os

# Idle threads sleep instead of spinning: on a busy machine spinning ones take the cores from the threads they wait for,
# and training becomes ten times slower. The C runtime reads this once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
