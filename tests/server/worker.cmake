foreach(name address_map control_socket egress_batch media_format udp_socket)
  consilium_test(server/worker/${name} worker/${name}_test.c LINK worker)
endforeach()
