# Wire formats: one program per source file.
foreach(name packet extension extension_values extension_layers
             rtcp rtcp_report rtcp_feedback rtcp_transport rtcp_transport_write)
  consilium_test(rtp/${name} ${name}_test.c LINK rtp)
endforeach()
