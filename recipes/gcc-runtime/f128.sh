# libf128.a: for gfortran, quadruple precision where the C library has none.
#
# Debian's gfortran calls glibc's functions (sinf128), which came with glibc 2.26. For an older one
# each is a jump to libquadmath's (sinq), which takes and returns the same values in the same places.
# One object a function: what links with the archive needs no more of libquadmath than it calls.
. "${0%/*}/env.sh"

mkdir "$OBJ/f128"
cd "$OBJ/f128"
"$NM" -D "$SYSROOT/usr/lib/libm.so.6" > known
for name in $("$NM" -D --defined-only "$ROOT/lib/libquadmath.so.0" | sed -n 's/.* T \([a-z0-9]*\)q@@.*/\1/p'); do
  ! grep -q " ${name}f128@" known || continue
  "$AS" -o "$name.o" - <<EOF
.globl ${name}f128
.hidden ${name}f128
.type ${name}f128, @function
${name}f128:
  jmp ${name}q@PLT
.size ${name}f128, .-${name}f128
.section .note.GNU-stack, "", @progbits
EOF
done
run "$AR" rcsD libf128.a *.o
