# The packages the project stands on, each by its Debian 12 development package.
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)                                       # libssl-dev
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)                     # libuv1-dev
pkg_check_modules(NICE REQUIRED IMPORTED_TARGET nice)                    # libnice-dev
pkg_check_modules(SRTP REQUIRED IMPORTED_TARGET libsrtp2)                # libsrtp2-dev
pkg_check_modules(USRSCTP REQUIRED IMPORTED_TARGET usrsctp)              # libusrsctp-dev
pkg_check_modules(LWS REQUIRED IMPORTED_TARGET libwebsockets)            # libwebsockets-dev
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)              # libjansson-dev
pkg_check_modules(JWT REQUIRED IMPORTED_TARGET libjwt)                   # libjwt-dev
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)                     # zlib1g-dev
pkg_check_modules(CYAML REQUIRED IMPORTED_TARGET libcyaml)               # libcyaml-dev
if(CONSILIUM_TESTS)
  pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)                       # libcmocka-dev
  if(NOT CMOCKA_FOUND)
    message(STATUS "libcmocka-dev is not installed: building without the tests")
    set(CONSILIUM_TESTS OFF)
  endif()
endif()
# x86-64 only; everywhere else, and on CPUs without AES-NI, OpenSSL's EVP does the work.
find_library(IPSEC_MB_LIBRARY IPSec_MB)                                  # libipsec-mb-dev
find_path(IPSEC_MB_INCLUDE intel-ipsec-mb.h)
