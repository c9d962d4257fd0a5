# Tests of server/room. The harness (scripted clients and media engine) is shared by all of them.
add_library(room_harness STATIC room/harness.c room/invariants.c room/client_model.c)
target_link_libraries(room_harness PRIVATE consilium_flags PUBLIC room PkgConfig::CMOCKA)

foreach(name audit chat codec_policy crowd direct events layers media member names quality query ranking requests requests_media room_manager session
    settle slots slots_needed snapshot topology track waiting
    simulation)
  consilium_test(server/room/${name} room/${name}_test.c LINK room_harness room)
endforeach()
set_tests_properties(${CONSILIUM_TEST_PREFIX}server/room/simulation PROPERTIES TIMEOUT 180 LABELS "unit;simulation")

# The direct connection of two in a world where everything takes time and breaks. 10 seeds; 200 with CONSILIUM_LONG.
consilium_test(server/room/direct_simulation room/direct_simulation_test.c room/direct_world.c room/direct_client.c
  room/direct_screen.c   LINK room_harness room TIMEOUT 300 LABELS simulation)
