# A packet's way leads through three libraries. The optimized build's programs are optimized as a whole across them: a fifth fewer
# instructions per packet. The libraries' objects hold both forms, so that the many tests link the ordinary one, in no time.
set(CONSILIUM_WHOLE OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT CONSILIUM_SANITIZE)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT CONSILIUM_WHOLE LANGUAGES C)
endif()
if(CONSILIUM_WHOLE)
  add_link_options($<IF:$<BOOL:$<TARGET_PROPERTY:WHOLE_PROGRAM>>,-flto=auto,-fno-lto>)
endif()

# A wake-up pays for each line of code that it finds cold: more than what aligned jumps and loops save.
set(CONSILIUM_DENSE -fno-align-jumps -fno-align-labels -fno-align-loops)

# consilium_whole_program(NAME): this program is worth it.
function(consilium_whole_program name)
  if(CONSILIUM_WHOLE)
    target_compile_options(${name} PRIVATE -flto=auto ${CONSILIUM_DENSE})
    set_target_properties(${name} PROPERTIES WHOLE_PROGRAM ON)
  endif()
endfunction()

# consilium_library(NAME sources... LINK libraries... [HOT]): a static library of ours; HOT: on a packet's way.
function(consilium_library name)
  cmake_parse_arguments(A "HOT" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${A_UNPARSED_ARGUMENTS})
  if(A_HOT AND CONSILIUM_WHOLE)
    target_compile_options(${name} PRIVATE -flto=auto -ffat-lto-objects ${CONSILIUM_DENSE})
  endif()
  target_link_libraries(${name} PRIVATE consilium_flags PUBLIC ${A_LINK})
endfunction()

# consilium_test(NAME sources... LINK libraries... [TIMEOUT s] [LABELS l...]): a cmocka program, one per source file.
# Test names are folder/file, so `ctest -R rtp/` runs a folder's; a build may put a prefix of its own before them.
set(CONSILIUM_TEST_PREFIX "" CACHE STRING "Put before every test's name, to tell builds apart")
function(consilium_test name)
  cmake_parse_arguments(A "" "TIMEOUT" "LINK;LABELS" ${ARGN})
  string(REPLACE "/" "_" target "${name}_test")
  add_executable(${target} ${A_UNPARSED_ARGUMENTS})
  target_link_libraries(${target} PRIVATE consilium_flags ${A_LINK} PkgConfig::CMOCKA)
  add_test(NAME ${CONSILIUM_TEST_PREFIX}${name} COMMAND ${target})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 60)
  endif()
  set_tests_properties(${CONSILIUM_TEST_PREFIX}${name} PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS "unit;${A_LABELS}")
endfunction()

# consilium_fuzz(NAME source LINK libraries...): a libFuzzer target with the committed seeds of tests/fuzz/corpus/NAME.
# CONSILIUM_FUZZ_SECONDS sets how long ctest runs it; new inputs go to the build folder, never to the seeds.
set(CONSILIUM_FUZZ_SECONDS 20 CACHE STRING "Seconds per fuzz target under ctest")
function(consilium_fuzz name)
  cmake_parse_arguments(A "" "MAX_LEN" "LINK" ${ARGN})
  if(NOT CONSILIUM_FUZZ)
    return()
  endif()
  if(NOT A_MAX_LEN)
    set(A_MAX_LEN 1500)
  endif()
  add_executable(${name}_fuzz ${A_UNPARSED_ARGUMENTS})
  target_link_libraries(${name}_fuzz PRIVATE consilium_flags ${A_LINK} -fsanitize=fuzzer)
  set(found "${CMAKE_BINARY_DIR}/fuzz/${name}")
  file(MAKE_DIRECTORY "${found}")
  math(EXPR limit "${CONSILIUM_FUZZ_SECONDS} + 60")
  add_test(NAME fuzz/${name} COMMAND ${name}_fuzz -max_total_time=${CONSILIUM_FUZZ_SECONDS} -max_len=${A_MAX_LEN}
    -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 "-artifact_prefix=${found}/" "${found}"
    "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
  set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT ${limit} LABELS fuzz)
endfunction()
