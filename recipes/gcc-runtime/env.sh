# Sourced by every step; the working directory is the build folder.
# In: CXXRT_ARCH (x86_64, aarch64), CXXRT_GLIBC (2.17), CXXRT_VERSION (14.2.0), CXXRT_JOBS.
set -eu
umask 022
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1

ROOT=$(pwd -P)
SCRIPTS=${0%/*}
MAJOR=${CXXRT_VERSION%%.*}
BUILD=x86_64-linux-gnu
TARGET=$CXXRT_ARCH-linux-gnu
TOOLS=$ROOT/toolchain
SYSROOT=$ROOT/sysroot
SRC=$ROOT/src/gcc
OBJ=$ROOT/obj

# Paths that the compiler would write into what it makes.
MAP="-ffile-prefix-map=$SRC=/usr/src/gcc -ffile-prefix-map=$OBJ=/build -ffile-prefix-map=$SYSROOT=/sysroot -ffile-prefix-map=$TOOLS=/toolchain"
FLAGS="-O2 -g0 $MAP"
CET=
[ "$CXXRT_ARCH" != x86_64 ] || CET=--enable-cet

bin=$TOOLS/usr/bin/$TARGET
export AR="$bin-ar" AS="$bin-as" LD="$bin-ld" NM="$bin-nm" RANLIB="$bin-ranlib" STRIP="$bin-strip"
export OBJCOPY="$bin-objcopy" OBJDUMP="$bin-objdump" READELF="$bin-readelf" LIPO=false
export CONFIG_SHELL=/bin/sh
PATH=$TOOLS/usr/$TARGET/bin:$PATH:$TOOLS/usr/bin
GCC="$bin-gcc-$MAJOR --sysroot=$SYSROOT -specs=$OBJ/origin.specs"

# Print the command before it runs: the end of the log then says what failed.
run() {
  printf '+ %s\n' "$*"
  "$@"
}
