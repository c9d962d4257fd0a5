foreach(name address_map control_socket egress_batch media_format udp_socket)
  consilium_test(server/worker/${name} worker/${name}_test.c LINK worker)
endforeach()

# A real engine, a real room manager, scripted browsers on loopback.
consilium_library(engine_harness worker/engine_harness.c worker/harness_media.c worker/harness_transport.c
  ../ice/dtls_client.c ../ice/media_client.c ../ice/stun_client.c LINK worker PkgConfig::CMOCKA)
target_compile_definitions(engine_harness PRIVATE SDP_OFFERS_DIR="${CMAKE_SOURCE_DIR}/tests/signaling/offers")
foreach(name data_relay engine negotiation peer rtcp_egress rtcp_ingress rtp_ingress speakers track)
  consilium_test(server/worker/${name} worker/${name}_test.c LINK engine_harness)
endforeach()
