#!/bin/sh
# Builds the ELF files of this folder from the sources below; the results are committed.
# Needs: gcc, g++, binutils (x86_64) and gcc-aarch64-linux-gnu. Made with Debian 12's GCC 12.2.
# No C library is linked in (-nostdlib), so that nothing but the tool chain decides the bytes.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/dep.c" <<'SOURCE'
int dep_old(void) { return 1; }
int dep_new(void) { return 2; }
__asm__(".symver dep_old,dep@DEP_1");
__asm__(".symver dep_new,dep@@DEP_2");
SOURCE
cat >"$work/dep.map" <<'SOURCE'
DEP_1 { global: dep; local: *; };
DEP_2 { global: dep; } DEP_1;
SOURCE
cat >"$work/user.c" <<'SOURCE'
extern int dep(void);
extern int absent(void) __attribute__((weak));
static int hidden_counter;
__attribute__((visibility("protected"))) int guarded(void) { return ++hidden_counter; }
int entry(void) { return dep() + (absent ? absent() : 0) + guarded(); }
SOURCE
cat >"$work/plain.c" <<'SOURCE'
int plain(void) { return 3; }
SOURCE
cat >"$work/unique.cc" <<'SOURCE'
template <class T> struct Holder { static T value; };
template <class T> T Holder<T>::value = 7;
int read_unique() { return Holder<int>::value; }
SOURCE
cat >"$work/tls.c" <<'SOURCE'
__thread int slot __attribute__((tls_model("initial-exec")));
int read_slot(void) { return slot; }
SOURCE
cat >"$work/noexport.c" <<'SOURCE'
extern int dep(void);
__attribute__((visibility("hidden"))) int inner(void) { return dep(); }
__attribute__((section(".init_array"), used)) static int (*const start)(void) = inner;
SOURCE
cat >"$work/own.c" <<'SOURCE'
int value = 3;
int table[2] = {1, 2};
int *where = &value;
__thread int channel;
static __thread int mine;
__attribute__((noinline)) int called(void) { return value + channel + mine++; }
int caller(void) { return called() + table[1]; }
__attribute__((visibility("protected"), noinline)) int guarded(void) { return 5; }
int (*const guard)(void) = guarded;
static int inner;
int *const relative = &inner;
SOURCE

shared() { # compiler, output, then anything
    compiler=$1; output=$2; shift 2
    "$compiler" -Os -fPIC -shared -nostdlib -fno-asynchronous-unwind-tables \
        -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,-z,noseparate-code \
        -o "$output" "$@"
    case $compiler in aarch64*) aarch64-linux-gnu-strip "$output" ;; *) strip "$output" ;; esac
}

ln -s libdep.so.1 "$work/libdep.so"
for compiler in gcc aarch64-linux-gnu-gcc; do
    case $compiler in aarch64*) suffix=-aarch64 ;; *) suffix= ;; esac
    shared $compiler "$work/libdep.so.1" -Wl,-soname,libdep.so.1 \
        -Wl,--version-script="$work/dep.map" "$work/dep.c"
    cp "$work/libdep.so.1" "libdep$suffix.so"
    # shellcheck disable=SC2016
    shared $compiler "libuser$suffix.so" -Wl,-soname,libuser.so -Wl,-rpath,'$ORIGIN' \
        -Wl,--enable-new-dtags "$work/user.c" "$work/libdep.so.1"
done

shared gcc "$work/libdep.so.1" -Wl,-soname,libdep.so.1 \
    -Wl,--version-script="$work/dep.map" "$work/dep.c"
shared gcc libuser-rpath-sysv.so -Wl,--hash-style=sysv -Wl,--disable-new-dtags \
    -Wl,-rpath,/somewhere "$work/user.c" "$work/libdep.so.1"
shared gcc libnoexport.so -Wl,--hash-style=gnu "$work/noexport.c" "$work/libdep.so.1"
shared gcc libplain-cet.so -fcf-protection=full -march=x86-64-v3 -Wl,-z,x86-64-v3 "$work/plain.c"
shared gcc libplain-execstack.so -Wl,-z,execstack "$work/plain.c"
shared gcc libtls.so "$work/tls.c"
shared g++ libunique.so "$work/unique.cc"
shared gcc libown.so -O1 -mtls-dialect=gnu "$work/own.c"
shared aarch64-linux-gnu-gcc libown-aarch64.so -O1 -mtls-dialect=trad "$work/own.c"
shared gcc libplain-32.so -m32 "$work/plain.c"
shared aarch64-linux-gnu-gcc libplain-bti-aarch64.so -mbranch-protection=standard "$work/plain.c"

cp libuser.so libuser-nosections.so
# e_shoff, e_shnum and e_shstrndx to zero: what sstrip and some packers leave behind
printf '\0\0\0\0\0\0\0\0' | dd of=libuser-nosections.so bs=1 seek=40 conv=notrunc status=none
printf '\0\0\0\0' | dd of=libuser-nosections.so bs=1 seek=60 conv=notrunc status=none
gcc -Os -c -fno-asynchronous-unwind-tables -o plain.o "$work/plain.c"
