# Wire formats: one program per source file.
foreach(name packet extension extension_values extension_layers
             rtcp rtcp_report rtcp_feedback rtcp_transport rtcp_transport_write
             codec codec_vp8 codec_vp9 codec_h264 codec_av1 codec_opus dependency_descriptor)
  consilium_test(rtp/${name} ${name}_test.c LINK rtp)
endforeach()
