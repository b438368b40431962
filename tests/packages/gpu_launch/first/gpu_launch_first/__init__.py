from gpu_launch_first._core import crash, handle, launch, refused

__all__ = ["crash", "handle", "launch", "refused"]
