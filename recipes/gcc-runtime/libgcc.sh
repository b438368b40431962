# libgcc_s.so.1, libgcc.a, crtbegin*.o: what every link needs before any other library exists.
#
# libgcc is configured inside a build of gcc/, whose generated headers it reads. They come from
# Debian's plugin-dev package of the very same compiler.
. "${0%/*}/env.sh"

mkdir -p lib "$OBJ/gcc/include" "$OBJ/$TARGET/libgcc"
# DT_RPATH = $ORIGIN through a spec file: the driver runs the linker without a shell, so nothing
# needs quoting, and patchelf afterwards would grow libstdc++ by 350 kB. -x makes the build-id
# independent of the build folder; -s would too, but then ld writes ELFOSABI_NONE into a file
# that has UNIQUE and IFUNC symbols.
printf '*link:\n+ %%{shared:--disable-new-dtags -rpath $ORIGIN -x}\n\n' > "$OBJ/origin.specs"

set -- "$TOOLS"/usr/lib/gcc*/"$TARGET/$MAJOR/plugin/include"
headers=$1
for file in tm.h options.h insn-constants.h insn-modes.h insn-modes-inline.h auto-host.h version.h; do
  cp "$headers/$file" "$OBJ/gcc/"
done
cat > "$OBJ/gcc/libgcc.mvars" <<EOF
GCC_CFLAGS = $FLAGS -DIN_GCC
INHIBIT_LIBC_CFLAGS =
TARGET_SYSTEM_ROOT = $SYSROOT
NO_PIE_CFLAGS = -fno-PIE
EOF
# As gcc/Makefile makes it. Without auto-host.h libgcc_s has every symbol, but its unwinder finds
# nothing (PT_GNU_EH_FRAME is not used) and the first throw aborts.
cd "$OBJ/gcc"
TARGET_CPU_DEFAULT='' HEADERS='auto-host.h ansidecl.h' DEFINES='USED_FOR_TARGET ' \
  run sh "$SRC/gcc/mkconfig.sh" tconfig.h

cd "$OBJ/$TARGET/libgcc"
CC=$GCC CFLAGS=$FLAGS run "$SRC/libgcc/configure" --srcdir="$SRC/libgcc" \
  --build=$BUILD --host=$TARGET --target=$TARGET --prefix=/usr \
  --disable-multilib --enable-shared --disable-gcov --with-gcc-major-version-only $CET
run make -j"$CXXRT_JOBS" LIBGCC2_DEBUG_CFLAGS=-g0
cp libgcc_s.so.1 "$ROOT/lib/"
