module answers
  use, intrinsic :: iso_c_binding, only: c_char, c_int
  implicit none
  integer, parameter :: quad = selected_real_kind(30)
contains
  function answer(text, size) bind(c) result(used)
    integer(c_int), value :: size
    character(kind=c_char), intent(out) :: text(size)
    integer(c_int) :: used
    integer :: i
    real(quad) :: angle
    real(quad), allocatable :: values(:)
    character(len=:), allocatable :: line
    allocate (values(6))
    values = [(real(i, quad), i=1, 6)]
    angle = real(size, quad)
    allocate (character(len=32) :: line)
    write (line, '(a, i0)') 'cxxrt ', nint(2 * sum(values) * (sin(angle)**2 + cos(angle)**2))
    used = len_trim(line)
    do i = 1, used
      text(i) = line(i:i)
    end do
  end function
end module
