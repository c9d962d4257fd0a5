# Language level, warnings (errors) and hardening: one place, for every target of ours.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(consilium_flags INTERFACE)
target_include_directories(consilium_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_definitions(consilium_flags INTERFACE _GNU_SOURCE)
# Conversions that lose value are errors; those that only change the sign are not, because the sizes of POSIX and of the
# libraries below mix both signs and the casts would hide more than they show.
target_compile_options(consilium_flags INTERFACE
  -Wall -Wextra -Werror -Wformat=2 -Werror=format-security -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -Wcast-align -Wconversion -Wno-sign-conversion -fno-common -fno-strict-aliasing)

if(CONSILIUM_SANITIZE)
  target_compile_options(consilium_flags INTERFACE
    -fsanitize=${CONSILIUM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  target_link_options(consilium_flags INTERFACE -fsanitize=${CONSILIUM_SANITIZE})
else()
  # OpenSSF's compiler options for C, 2026-06-30 edition, as far as GCC 12 knows them.
  target_compile_options(consilium_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(consilium_flags INTERFACE -fcf-protection=full)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(consilium_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
  target_link_options(consilium_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(CONSILIUM_FUZZ)
  target_compile_options(consilium_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
