"""The README's main job: build the runtime, break an import, mend it, show the maps."""
