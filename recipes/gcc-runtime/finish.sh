# Strip the libraries, collect the licences, keep what a compiler for these libraries needs.
. "${0%/*}/env.sh"

for file in lib/*.so.*; do
  run "$STRIP" --strip-unneeded -R .comment "$file"
  chmod 644 "$file"
done
mkdir licenses
cp "$SRC/COPYING3" "$SRC/COPYING.RUNTIME" licenses/
cp "$SRC/libquadmath/COPYING.LIB" licenses/COPYING.LIB.libquadmath

std=$OBJ/$TARGET/libstdc++-v3
mkdir -p compiler/lib compiler/gcc compiler/host
run make -s -C "$std/include" install DESTDIR="$ROOT/compiler"
run make -s -C "$std/libsupc++" install-stdHEADERS install-bitsHEADERS DESTDIR="$ROOT/compiler"
mv compiler/usr/include compiler/include
rm -r compiler/usr
# Debian's Python.h asks for <x86_64-linux-gnu/python3.11/pyconfig.h>; of the host's headers
# only those below such a folder can be reached this way.
ln -s /usr/include/$TARGET compiler/host/$TARGET
cp "$OBJ"/gcc/*.o "$OBJ"/gcc/*.a compiler/gcc/
cp "$OBJ/$TARGET/libgomp/libgomp.spec" compiler/gcc/
find "$std/src" -path '*.libs/*' \( -name 'libstdc++.a' -o -name 'libstdc++exp.a' \) \
  -exec cp {} compiler/lib/ \;
"$STRIP" -g -D compiler/gcc/*.a compiler/gcc/*.o compiler/lib/*.a
for file in lib/*.so.*; do
  soname=${file##*/}
  ln -s "../../lib/$soname" "compiler/lib/${soname%.so.*}.so"
done
rm compiler/lib/libgcc_s.so
printf '/* GNU ld script */\nGROUP ( %s -lgcc )\n' ../../lib/libgcc_s.so.1 > compiler/lib/libgcc_s.so

for language in gcc g++; do
  cat > compiler/$language <<EOF
#!/bin/sh
# $language $MAJOR for $TARGET and glibc $CXXRT_GLIBC, linking with the libraries beside it.
here=\$(dirname "\$(readlink -f "\$0")")
cxx=\$here/include/c++/$MAJOR
exec "\$here/../toolchain/usr/bin/$TARGET-$language-$MAJOR" --sysroot="\$here/../sysroot" \\
  -B"\$here/gcc/" -nostdinc++ -isystem "\$cxx" -isystem "\$cxx/$TARGET" -isystem "\$cxx/backward" \\
  "\$@" -idirafter "\$here/host" -L"\$here/lib"
EOF
  chmod 755 compiler/$language
done
