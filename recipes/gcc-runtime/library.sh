# One of GCC's other libraries, configured on its own as GCC's top-level makefile would.
# Usage: library.sh FOLDER SONAME [ARCH], where ARCH is the only architecture that has it.
. "${0%/*}/env.sh"

library=$1
soname=$2
[ "${3:-$CXXRT_ARCH}" = "$CXXRT_ARCH" ] || { echo "$soname does not exist on $CXXRT_ARCH"; exit 0; }

cc="$GCC -B$OBJ/gcc/"
std=$OBJ/$TARGET/libstdc++-v3
cxx="$cc -shared-libgcc -nostdinc++ -L$std/src -L$std/src/.libs -L$std/libsupc++/.libs"
fc=no
folders=.
set -- --srcdir="$SRC/$library" --build=$BUILD --host=$TARGET --target=$TARGET --prefix=/usr \
  --disable-multilib --enable-shared --with-gcc-major-version-only --disable-werror $CET
case $library in
  libstdc++-v3)
    # The options of Debian's build that change the library. msgfmt: the messages facet calls
    # gettext as Debian's does; the catalogues themselves are not built, so it need not be there.
    set -- "$@" --enable-static --enable-threads=posix --disable-libstdcxx-pch \
      --enable-clocale=gnu --enable-symvers=gnu --enable-libstdcxx-time=yes --enable-tls \
      --with-default-libstdcxx-abi=new --enable-libstdcxx-backtrace --enable-gnu-unique-object \
      --enable-nls ac_cv_prog_check_msgfmt=yes
    folders='include libsupc++ src'
    ;;
  libgomp)
    # A Fortran compiler: libgomp exports OpenACC's Fortran interface only where there is one.
    fc="$bin-gfortran-$MAJOR --sysroot=$SYSROOT -specs=$OBJ/origin.specs -B$OBJ/gcc/"
    set -- "$@" --disable-static --enable-linux-futex=yes --enable-tls
    ;;
  *) set -- "$@" --disable-static ;;
esac

mkdir -p "$OBJ/$TARGET/$library"
cd "$OBJ/$TARGET/$library"
CC=$cc CXX=$cxx FC=$fc GFORTRAN=$fc CFLAGS=$FLAGS CXXFLAGS=$FLAGS FCFLAGS=$FLAGS \
  run "$SRC/$library/configure" "$@"
# libtool would write the build folder into DT_RPATH.
sed -i 's|^hardcode_libdir_flag_spec=.*|hardcode_libdir_flag_spec=""|' libtool
for folder in $folders; do
  run make -C "$folder" -j"$CXXRT_JOBS" MAKEINFO=true
done
file=$(find . -path '*.libs/*' -type f -name "$soname*")
run cp "$file" "$ROOT/lib/$soname"
