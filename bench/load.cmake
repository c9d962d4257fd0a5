# consilium-load: emulated participants against a running server. The library is what the tests link.
pkg_check_modules(SMARTCOLS IMPORTED_TARGET smartcols)                     # libsmartcols-dev
if(NOT SMARTCOLS_FOUND)
  message(WARNING "libsmartcols-dev is missing: consilium-load is not built")
  return()
endif()
consilium_library(load
  load/assertion.c
  load/crowd.c
  load/data_channels.c
  load/description.c
  load/event_loop.c
  load/histogram.c
  load/janus_process.c
  load/knee_search.c
  load/media_payload.c
  load/media_receiver.c
  load/media_sender.c
  load/metric.c
  load/options.c
  load/participant.c
  load/participant_data.c
  load/participant_janus.c
  load/participant_media.c
  load/participant_signaling.c
  load/progress.c
  load/report_html.c
  load/report_json.c
  load/report_table.c
  load/result.c
  load/run.c
  load/run_ramp.c
  load/run_samples.c
  load/run_world.c
  load/scenario.c
  load/secret_file.c
  load/sequence_tracker.c
  load/server_process.c
  load/syscall_counter.c
  load/stun_client.c
  load/transport.c
  load/web_client.c
  load/web_frame.c
  LINK ice rtp signaling PkgConfig::JANSSON PkgConfig::SMARTCOLS m)
set_source_files_properties(load/options.c PROPERTIES
  COMPILE_DEFINITIONS CONSILIUM_VERSION="${PROJECT_VERSION}")

add_executable(consilium-load load/main.c)
target_link_libraries(consilium-load PRIVATE consilium_flags load)
consilium_whole_program(consilium-load)
set_target_properties(consilium-load PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
install(TARGETS consilium-load RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# consilium-floor: the physical parts of forwarding, and the least program that does it.
add_executable(consilium-floor floor/main.c floor/machine.c floor/parts.c floor/relay.c floor/relay_load.c floor/seal_part.c)
target_link_libraries(consilium-floor PRIVATE consilium_flags load ice PkgConfig::SRTP PkgConfig::JANSSON m)
consilium_whole_program(consilium-floor)
set_target_properties(consilium-floor PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
