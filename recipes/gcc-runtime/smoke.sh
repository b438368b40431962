# Run a program on the new libraries: a libgcc_s with a crippled unwinder passes every static check.
# It runs on the C library that came with the toolchain; another architecture's under qemu-user,
# where that is installed.
. "${0%/*}/env.sh"

run compiler/g++ -std=c++17 -O1 "${0%/*}/smoke.cc" -o smoke -lpthread
case $CXXRT_ARCH in
  "$(uname -m)")
    run "$TOOLS/rt/ld-linux-x86-64.so.2" --library-path "$ROOT/lib:$TOOLS/rt" ./smoke
    ;;
  *)
    emulator=$(command -v "qemu-$CXXRT_ARCH-static" || command -v "qemu-$CXXRT_ARCH" || true)
    if [ -z "$emulator" ]; then
      echo "note: the smoke test did not run: qemu-$CXXRT_ARCH-static is not installed"
    else
      libc=$ROOT/reference/usr/$TARGET/lib
      run "$emulator" "$libc/ld-linux-aarch64.so.1" --library-path "$ROOT/lib:$libc" ./smoke
    fi
    ;;
esac
rm smoke
