#!/bin/sh
# Builds the ELF files of the policy vectors beside itself (x86_64, gcc and binutils). Each is a
# shared object without code of interest, linked against stubs that define one versioned symbol;
# stubs are not kept. Rebuilding is only needed to add a file: the committed ones are the vectors.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

link="-shared -fPIC -nostdlib -O1 -s -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,-z,norelro
      -Wl,--hash-style=gnu -Wl,-z,noexecstack -fno-asynchronous-unwind-tables -fcf-protection=none"

# stub SONAME VERSION...  -> stub_<n>.so that defines one function per version
stub() {
    soname=$1; shift; : > stub.c; : > stub.map
    for version in "$@"; do
        name=$(printf 'f_%s' "$version" | tr '.+-' '___')
        echo "void $name(void) {}" >> stub.c
        echo "$version { global: $name; };" >> stub.map
    done
    gcc $link stub.c -o "$soname" -Wl,-soname,"$soname" -Wl,--version-script,stub.map
}

# object FILE [LIBRARY:VERSION]... [-- GCC OPTION...]  -> FILE that needs exactly these
object() {
    file=$1; shift; : > object.c; libraries=""
    echo "void PyInit__ext(void) {" > body.c
    while [ $# -gt 0 ] && [ "$1" != "--" ]; do
        soname=${1%%:*}; version=${1#*:}; name=$(printf 'f_%s' "$version" | tr '.+-' '___')
        stub "$soname" "$version"
        echo "void $name(void);" >> object.c; echo "  $name();" >> body.c
        libraries="$libraries ./$soname"; shift
    done
    [ $# -eq 0 ] || shift
    echo "}" >> body.c; cat body.c >> object.c
    gcc $link object.c $libraries -o "$here/$file" "$@"
}

object nothing.so
object glibcxx-3.4.26.so libstdc++.so.6:GLIBCXX_3.4.26
object glibcxx-3.4.30.so libstdc++.so.6:GLIBCXX_3.4.30
object glibcxx-3.4.33.so libstdc++.so.6:GLIBCXX_3.4.33
object glibcxx-3.4.99.so libstdc++.so.6:GLIBCXX_3.4.99
object cxxabi-1.3.13.so libstdc++.so.6:CXXABI_1.3.13
object gcc-14.0.0.so libgcc_s.so.1:GCC_14.0.0
object gomp-4.5.so libgomp.so.1:GOMP_4.5
object glibc-2.17.so libc.so.6:GLIBC_2.17
object glibc-2.28.so libc.so.6:GLIBC_2.28
object private-library.so libprivate.so.1:PRIVATE_1
object glibcxx-and-glibc.so libstdc++.so.6:GLIBCXX_3.4.30 libc.so.6:GLIBC_2.28
object libmvec.so libmvec.so.1:GLIBC_2.22
object zlib-1.2.9.so libz.so.1:ZLIB_1.2.9
object executable-stack.so -- -Wl,-z,execstack
object runpath-origin.so -- '-Wl,-rpath,$ORIGIN/../foo.libs' -Wl,--enable-new-dtags
object runpath-absolute.so -- -Wl,-rpath,/usr/lib -Wl,--enable-new-dtags
object runpath-escapes.so -- '-Wl,-rpath,$ORIGIN/../../../lib' -Wl,--enable-new-dtags
object runpath-braces.so -- '-Wl,-rpath,${ORIGIN}/../foo.libs' -Wl,--enable-new-dtags
object runpath-empty-entry.so -- '-Wl,-rpath,$ORIGIN::$ORIGIN/b' -Wl,--enable-new-dtags
object rpath-absolute.so -- -Wl,-rpath,/usr/lib -Wl,--disable-new-dtags

# VER_FLG_WEAK on the second need: GNU ld never sets it, so it is written behind vna_hash.
echo "GLIBCXX_3.4.26 { global: f_old; }; GLIBCXX_3.4.33 { global: f_new; };" > stub.map
echo "void f_old(void) {} void f_new(void) {}" > stub.c
gcc $link stub.c -o libstdc++.so.6 -Wl,-soname,libstdc++.so.6 -Wl,--version-script,stub.map
echo "void f_old(void); void f_new(void); void PyInit__ext(void) { f_old(); f_new(); }" > object.c
weak="$here/glibcxx-3.4.33-weak.so"
gcc $link object.c ./libstdc++.so.6 -o "$weak"
section=$(readelf -V "$weak" | sed -n 's/.*Offset: \(0x[0-9a-f]*\).*/\1/p' | tail -1)
entry=$(readelf -V "$weak" | sed -n 's/ *\(0x[0-9a-f]*\): *Name: GLIBCXX_3.4.33 .*/\1/p')
printf '\002' | dd of="$weak" bs=1 seek=$((section + entry + 4)) conv=notrunc status=none

# libcudart has one version node per major, named like the library.
for major in 12 13; do
    echo "void cudaMalloc(void) {}" > stub.c
    echo "libcudart.so.$major { global: cudaMalloc; };" > stub.map
    gcc $link stub.c -o "libcudart.so.$major" -Wl,-soname,"libcudart.so.$major" \
        -Wl,--version-script,stub.map
    echo "void cudaMalloc(void); void PyInit__ext(void) { cudaMalloc(); }" > object.c
    gcc $link object.c "./libcudart.so.$major" -o "$here/cudart-$major.so"
done

# Unversioned symbols of zlib: private, public from a later release on, and needed weakly.
for name in inflate_table uncompress2; do
    echo "void $name(void) {}" > stub.c
    gcc $link stub.c -o libz.so.1 -Wl,-soname,libz.so.1
    echo "void $name(void); void PyInit__ext(void) { $name(); }" > object.c
    gcc $link object.c ./libz.so.1 -o "$here/zlib-$name.so"
done
echo "void inflate_table(void) {}" > stub.c
gcc $link stub.c -o libz.so.1 -Wl,-soname,libz.so.1
echo "void inflate_table(void) __attribute__((weak));" > object.c
echo "void PyInit__ext(void) { if (inflate_table) inflate_table(); }" >> object.c
gcc $link -Wl,--no-as-needed object.c ./libz.so.1 -o "$here/zlib-inflate_table-weak.so"

# Libraries under a SONAME of their own.
echo "void f_PRIVATE_1(void) {}" > library.c
for soname in libprivate.so.1 libstdc++.so.6 libstdc++-1234abcd.so.6 libgomp-1234abcd.so.1 \
              libcudart-1234abcd.so.12 libgcc_s.so.1 libz.so.1; do
    gcc $link library.c -o "$here/soname-$soname" -Wl,-soname,"$soname"
done

# Pieces of a static libstdc++ and libcudart: exported, and hidden.
cat > static.c <<'C'
void __cxa_throw(void) {}
void __cxa_begin_catch(void) {}
void __gxx_personality_v0(void) {}
void PyInit__ext(void) { __cxa_throw(); __cxa_begin_catch(); __gxx_personality_v0(); }
C
gcc $link static.c -o "$here/static-exported.so"
gcc $link -fvisibility=hidden static.c -o "$here/static-hidden.so"
echo "int cudaGetDeviceCount(int *n) { return *n = 0; }" > static.c
gcc $link static.c -o "$here/static-cudart-exported.so"

# void take(std::string) with the old string (Ss) and with the new one.
echo 'void _Z4takeSs(void) {}' > string.c
gcc $link string.c -o "$here/string-abi-old.so"
echo 'void _Z4takeNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE(void) {}' > string.c
gcc $link string.c -o "$here/string-abi-new.so"
echo 'void _Z7ClassSsv(void) {}' > string.c
gcc $link string.c -o "$here/string-abi-in-a-name.so"

# The same function of libstdc++ that takes the old string, only needed.
echo "GLIBCXX_3.4 { global: _ZNSs4swapERSs; };" > stub.map
echo "void _ZNSs4swapERSs(void) {}" > stub.c
gcc $link stub.c -o libstdc++.so.6 -Wl,-soname,libstdc++.so.6 -Wl,--version-script,stub.map
echo "void _ZNSs4swapERSs(void); void PyInit__ext(void) { _ZNSs4swapERSs(); }" > object.c
gcc $link object.c ./libstdc++.so.6 -o "$here/string-abi-old-needed.so"

# PT_GNU_STACK made PT_NULL: the second field of its program header is the type.
none="$here/no-gnu-stack.so"
object no-gnu-stack.so
at=$(readelf -lW "$none" | awk '/^  [A-Z]/ && $1 != "Type" { if ($1 == "GNU_STACK") print n; n++ }')
printf '\000\000\000\000' | dd of="$none" bs=1 seek=$((64 + 56 * at)) conv=notrunc status=none
