# Everything that libraries.mk names.
. "${0%/*}/env.sh"

run make -f "${0%/*}/libraries.mk" -j"$CXXRT_JOBS"
