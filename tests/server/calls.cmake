# Tests of server/calls. The harness (pages that check every notice they get) is shared by all of them.
add_library(calls_harness STATIC calls/harness.c)
target_link_libraries(calls_harness PRIVATE consilium_flags PUBLIC calls PkgConfig::CMOCKA)
foreach(name calls notice requests ring simulation)
  consilium_test(server/calls/${name} calls/${name}_test.c LINK calls_harness calls)
endforeach()
if(TARGET consilium)
  foreach(name invitations guests)
    add_test(NAME server/program/${name}
      COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/program/${name}.py $<TARGET_FILE:consilium>)
    set_tests_properties(server/program/${name} PROPERTIES TIMEOUT 180 LABELS program)
  endforeach()
  add_test(NAME server/program/turn
    COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/program/turn.py $<TARGET_FILE:consilium>)
  set_tests_properties(server/program/turn PROPERTIES TIMEOUT 120 LABELS program SKIP_RETURN_CODE 77)
endif()
