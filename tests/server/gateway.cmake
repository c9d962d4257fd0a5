# Tests of the gateway's parts.
foreach(name metrics metrics_direct session room_directory used_tokens ice_servers worker_link guest_links)
  consilium_test(server/gateway/${name} gateway/${name}_test.c LINK gateway)
endforeach()

# A real gateway between scripted workers and raw clients.
consilium_library(gateway_world gateway/world.c ../signaling/loop_client.c LINK gateway PkgConfig::CMOCKA)
foreach(name queries moving http metrics_export call_requests clients workers gateway test_room)
  consilium_test(server/gateway/${name} gateway/${name}_test.c LINK gateway_world)
endforeach()
set_tests_properties(${CONSILIUM_TEST_PREFIX}server/gateway/gateway PROPERTIES TIMEOUT 180)
