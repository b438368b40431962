# Run programs on the new libraries: a libgcc_s with a crippled unwinder passes every static check.
# It runs on the C library that came with the toolchain; another architecture's under qemu-user,
# where that is installed.
. "${0%/*}/env.sh"

run compiler/g++ -std=c++17 -O1 "${0%/*}/smoke.cc" -o smoke -lpthread
run compiler/gfortran -O1 "${0%/*}/smoke.f90" -o smoke-fortran
case $CXXRT_ARCH in
  "$(uname -m)")
    set -- "$TOOLS/rt/ld-linux-x86-64.so.2" --library-path "$ROOT/lib:$TOOLS/rt"
    ;;
  *)
    emulator=$(command -v "qemu-$CXXRT_ARCH-static" || command -v "qemu-$CXXRT_ARCH" || true)
    libc=$ROOT/reference/usr/$TARGET/lib
    set -- "$emulator" "$libc/ld-linux-aarch64.so.1" --library-path "$ROOT/lib:$libc"
    ;;
esac
if [ -z "$1" ]; then
  echo "note: the smoke test did not run: qemu-$CXXRT_ARCH-static is not installed"
else
  run "$@" ./smoke
  run "$@" ./smoke-fortran
fi
rm smoke smoke-fortran
