# The libraries beside libgcc. Each starts when those that it is linked with are there, and all of
# them share the jobs: a configure script uses one, so that another library compiles meanwhile.
here := $(dir $(lastword $(MAKEFILE_LIST)))
all: libstdc++-v3 libatomic libgomp libgfortran
libgfortran: libbacktrace
ifeq ($(CXXRT_ARCH),x86_64)
libgfortran: f128
f128: libquadmath
	sh $(here)f128.sh
endif

# A library's log is its own; a failing one's is also the end of this step's.
libstdc++-v3 libatomic libgomp libquadmath libbacktrace libgfortran:
	+sh $(here)library.sh $@ > logs/$@.log 2>&1 || { cat logs/$@.log; exit 1; }

.PHONY: all f128 libstdc++-v3 libatomic libgomp libquadmath libbacktrace libgfortran
