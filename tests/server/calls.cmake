# Tests of server/calls. The harness (pages that check every notice they get) is shared by all of them.
add_library(calls_harness STATIC calls/harness.c)
target_link_libraries(calls_harness PRIVATE consilium_flags PUBLIC calls PkgConfig::CMOCKA)
foreach(name calls notice requests ring simulation)
  consilium_test(server/calls/${name} calls/${name}_test.c LINK calls_harness calls)
endforeach()
