# consilium-load: emulated participants against a running server. The library is what the tests link.
pkg_check_modules(SMARTCOLS IMPORTED_TARGET smartcols)                     # libsmartcols-dev
if(NOT SMARTCOLS_FOUND)
  message(WARNING "libsmartcols-dev is missing: consilium-load is not built")
  return()
endif()
consilium_library(load
  load/description.c
  load/event_loop.c
  load/histogram.c
  load/media_payload.c
  load/media_receiver.c
  load/media_sender.c
  load/participant.c
  load/participant_media.c
  load/participant_signaling.c
  load/sequence_tracker.c
  load/stun_client.c
  load/transport.c
  load/web_client.c
  load/web_frame.c
  LINK ice rtp signaling PkgConfig::JANSSON PkgConfig::SMARTCOLS m)

add_executable(consilium-load load/main.c)
target_link_libraries(consilium-load PRIVATE consilium_flags load)
set_target_properties(consilium-load PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
