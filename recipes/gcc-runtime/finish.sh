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
mkdir -p compiler/lib compiler/libgcc compiler/host
run make -s -C "$std/include" install DESTDIR="$ROOT/compiler"
run make -s -C "$std/libsupc++" install-stdHEADERS install-bitsHEADERS DESTDIR="$ROOT/compiler"
mv compiler/usr/include compiler/include
rm -r compiler/usr
# Debian's Python.h asks for <x86_64-linux-gnu/python3.11/pyconfig.h>; of the host's headers
# only those below such a folder can be reached this way.
ln -s "/usr/include/$TARGET" "compiler/host/$TARGET"
cp "$OBJ"/gcc/*.o "$OBJ"/gcc/*.a "$OBJ/$TARGET/libgomp/libgomp.spec" compiler/libgcc/
# For C code that gets Fortran's arrays; the language's modules are in the toolchain.
mkdir compiler/libgcc/include
cp "$SRC/libgfortran/ISO_Fortran_binding.h" compiler/libgcc/include/
if [ -e "$OBJ/f128/libf128.a" ]; then
  cp "$OBJ/f128/libf128.a" compiler/lib/
  sed 's/--as-needed /&-lf128 /' "$TOOLS"/usr/lib/gcc*/"$TARGET/$MAJOR/libgfortran.spec" \
    > compiler/libgcc/libgfortran.spec
fi
find "$std/src" -path '*.libs/*' \( -name 'libstdc++.a' -o -name 'libstdc++exp.a' \) \
  -exec cp {} compiler/lib/ \;
run "$STRIP" -g compiler/libgcc/*.a compiler/libgcc/*.o compiler/lib/*.a
for file in lib/*.so.*; do
  soname=${file##*/}
  ln -s "../../lib/$soname" "compiler/lib/$soname"
  ln -s "$soname" "compiler/lib/${soname%.so.*}.so"
done
# The toolchain's own: Meson searches that folder first when it links Fortran.
for file in compiler/lib/*.so compiler/libgcc/*.a; do
  name=${file##*/}
  rm -f "$TOOLS"/usr/lib/gcc*/"$TARGET/$MAJOR/${name%.*}".a \
    "$TOOLS"/usr/lib/gcc*/"$TARGET/$MAJOR/${name%.*}".so
done
# As GCC's own: libgcc.a has what libgcc_s does not export.
rm compiler/lib/libgcc_s.so
echo 'GROUP ( libgcc_s.so.1 -lgcc )' > compiler/lib/libgcc_s.so

driver() { # LANGUAGE OPTIONS: a script that starts the compiler with this build's files
  cat > "compiler/$1" <<EOF
#!/bin/sh
# $1 $CXXRT_VERSION for $TARGET and glibc $CXXRT_GLIBC, linking with the libraries beside it.
here=\$(dirname "\$(readlink -f "\$0")")
exec "\$here/../toolchain/usr/bin/$TARGET-$1-$MAJOR" --sysroot="\$here/../sysroot" \\
  -B"\$here/libgcc/" $2 "\$@" -idirafter "\$here/host" -L"\$here/lib"
EOF
  chmod 755 "compiler/$1"
}
cxx="\$here/include/c++/$MAJOR"
driver gcc ''
driver gfortran ''
driver g++ "-nostdinc++ -isystem \"$cxx\" -isystem \"$cxx/$TARGET\" -isystem \"$cxx/backward\""
