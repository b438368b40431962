# One of GCC's other libraries, configured on its own as GCC's top-level makefile would.
# Usage: library.sh FOLDER, in the order and side by side as libraries.mk says.
. "${0%/*}/env.sh"

library=$1
cc="$GCC -B$OBJ/gcc/"
std=$OBJ/$TARGET/libstdc++-v3
cxx="$cc -shared-libgcc -nostdinc++ -L$std/src -L$std/src/.libs -L$std/libsupc++/.libs"
# A Fortran compiler, for libgomp, too: it exports OpenACC's Fortran interface only where there is one.
fc="$bin-gfortran-$MAJOR --sysroot=$SYSROOT -specs=$OBJ/origin.specs -B$OBJ/gcc/"
folders=.
source=$SRC/$library
set -- --build=$BUILD --host=$TARGET --target=$TARGET --prefix=/usr \
  --disable-multilib --enable-shared --disable-static --with-gcc-major-version-only --disable-werror \
  --disable-dependency-tracking $CET
case $library in
  libstdc++-v3)
    soname=libstdc++.so.6
    # The options of Debian's build that change the library. msgfmt: the messages facet calls
    # gettext as Debian's does; the catalogues themselves are not built, so it need not be there.
    set -- "$@" --enable-static --enable-threads=posix --disable-libstdcxx-pch \
      --enable-clocale=gnu --enable-symvers=gnu --enable-libstdcxx-time=yes --enable-tls \
      --with-default-libstdcxx-abi=new --enable-libstdcxx-backtrace --enable-gnu-unique-object \
      --enable-nls ac_cv_prog_check_msgfmt=yes
    folders='include libsupc++ src'
    ;;
  libatomic) soname=libatomic.so.1 ;;
  libgomp)
    soname=libgomp.so.1
    set -- "$@" --enable-linux-futex=yes --enable-tls
    ;;
  libquadmath) soname=libquadmath.so.0 ;;
  libbacktrace) soname= ;; # a part of libgfortran
  libgfortran)
    soname=libgfortran.so.5
    source=../../../src/gcc/$library # gfortran writes a source's path as it gets it
    ;;
esac
mkdir -p "$OBJ/$TARGET/$library"
cd "$OBJ/$TARGET/$library"
if [ "$library" = libgfortran ]; then
  # The same answers that configure would get with 363 programs.
  sed -n 's/^GCC_CHECK_MATH_FUNC(\[\(.*\)\])/\1/p' "$source/configure.ac" > functions
  : > missing
  until {
    printf '#include <%s.h>\n' complex math
    grep -vxFf missing functions | sed 's/.*/int (*pointer_&)() = (int (*)())&;/'
    echo 'int main() { return 0; }'
  } > math.c && $cc -D_GNU_SOURCE math.c -o math -lm 2> errors; do
    sed -n "s/.*error: '\([a-z0-9]*\)' undeclared.*/\1/p" errors > found
    sed -n "s/.*undefined reference to .\([a-z0-9]*\)'.*/\1/p" errors >> found
    [ -s found ] || { cat errors; exit 1; }
    cat found >> missing
  done
  grep -vxFf missing functions | sed 's/.*/gcc_cv_math_func_&=yes/' > config.cache
  grep -xFf missing functions | sed 's/.*/gcc_cv_math_func_&=no/' >> config.cache
  set -- "$@" --cache-file=config.cache
fi
CC=$cc CXX=$cxx FC=$fc GFORTRAN=$fc CFLAGS=$FLAGS CXXFLAGS=$FLAGS FCFLAGS=$FLAGS \
  run "$source/configure" --srcdir="$source" "$@"
# libtool would write the build folder into DT_RPATH.
sed -i 's|^hardcode_libdir_flag_spec=.*|hardcode_libdir_flag_spec=""|' libtool

set -- MAKEINFO=true
case $library in
  libstdc++-v3) ;;
  *) set -- "$@" LIBTOOL="sh $SCRIPTS/libtool.sh $OBJ/$TARGET/$library/libtool" ;;
esac
if [ "$library" = libgfortran ]; then
  [ ! -e "$OBJ/f128/libf128.a" ] || set -- "$@" LIBS="-lm $OBJ/f128/libf128.a"
  # The header that 700 files begin with, compiled once.
  run make "$@" --eval='header: kinds.h config.h
	$(COMPILE) -fPIC -DPIC -x c-header $(srcdir)/libgfortran.h -o $(srcdir)/libgfortran.h.gch' header
fi
for folder in $folders; do
  run make -C "$folder" "$@"
done
[ -n "$soname" ] || exit 0
file=$(find . -path '*.libs/*' -type f -name "$soname*")
run cp "$file" "$ROOT/lib/$soname"
