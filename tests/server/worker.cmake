foreach(name address_map audio_repeat control control_socket egress_batch gather media_format udp_socket worker)
  consilium_test(server/worker/${name} worker/${name}_test.c LINK worker)
endforeach()

# A real engine, a real room manager, scripted browsers on loopback.
consilium_library(engine_harness worker/engine_harness.c worker/harness_link.c worker/harness_media.c worker/harness_transport.c
  ../ice/dtls_client.c ../ice/media_client.c ../ice/stun_client.c LINK worker PkgConfig::CMOCKA PkgConfig::SRTP)
target_compile_definitions(engine_harness PRIVATE SDP_OFFERS_DIR="${CMAKE_SOURCE_DIR}/tests/signaling/offers")
foreach(name congestion data_relay engine fan_out hot_path layer_limits memory negotiation peer quality room_glue
    rtcp_egress rtcp_ingress rtp_ingress scalable speakers
    statistics track)
  consilium_test(server/worker/${name} worker/${name}_test.c LINK engine_harness)
endforeach()
target_compile_definitions(server_worker_statistics_test PRIVATE
  OPENAPI_FILE="${CMAKE_SOURCE_DIR}/server/gateway/openapi.yaml")
