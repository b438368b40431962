! Formatted output, allocation, matmul and quadruple precision: exit status 0 when all of them work.
program smoke
  use, intrinsic :: iso_c_binding, only: c_double
  use, intrinsic :: ieee_arithmetic, only: ieee_is_nan, ieee_value, ieee_quiet_nan
  implicit none
  integer, parameter :: quad = selected_real_kind(30)
  real(c_double), allocatable :: a(:, :)
  real(quad) :: one
  character(len=44) :: text
  allocate (a(40, 40))
  call random_number(a)
  if (any(abs(matmul(a, transpose(a)) - transpose(matmul(a, transpose(a)))) > 1d-9)) error stop 1
  one = real(size(a), quad) / 1600
  write (text, '(f44.30)') sin(one)**2 + cos(one)**2 + log(exp(one)) - one
  read (text, *) one
  if (abs(one - 1) > 1e-30_quad) error stop 2
  if (.not. ieee_is_nan(ieee_value(one, ieee_quiet_nan))) error stop 3
  print '(2a)', 'smoke: fortran, quadruple ', trim(adjustl(text))
end program
