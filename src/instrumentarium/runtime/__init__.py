"""What every stage and command stands on: errors for people, files written whole, parameters, progress, caches, seeds."""

from instrumentarium.runtime.process import let_idle_threads_sleep

let_idle_threads_sleep()  # whatever imports torch has imported something from here before
