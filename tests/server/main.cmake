# Tests of the command line, the log and the supervisor's parts, and of the program as a whole.
consilium_test(server/log log_test.c LINK server_common)
consilium_test(server/token_maker token_maker_test.c LINK server_common)
consilium_test(server/options options_test.c LINK supervisor)
foreach(name backoff notify runtime_directory process development certificate)
  consilium_test(server/supervisor/${name} supervisor/${name}_test.c LINK supervisor)
endforeach()
# The program as a whole is tried as it ships.
if(TARGET consilium AND NOT CONSILIUM_SANITIZE)
  foreach(name life calls api)
    add_test(NAME server/program/${name}
      COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/program/${name}.py $<TARGET_FILE:consilium>)
    set_tests_properties(server/program/${name} PROPERTIES TIMEOUT 120 LABELS program)
  endforeach()
  # Made of a release build only: stripped and hardened is what ships.
  if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" OR CMAKE_BUILD_TYPE STREQUAL "Release")
    add_test(NAME server/program/package COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/program/package.py ${CMAKE_BINARY_DIR})
    set_tests_properties(server/program/package PROPERTIES TIMEOUT 120 LABELS program)
  endif()
endif()
