# Tests of the gateway's parts.
foreach(name metrics session room_directory used_tokens ice_servers worker_link guest_links)
  consilium_test(server/gateway/${name} gateway/${name}_test.c LINK gateway)
endforeach()
