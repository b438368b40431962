"""One shared libstdc++ and libcudart for every native wheel of this process."""
