add_executable(sdp_answer_tool sdp_answer_tool.c)
target_link_libraries(sdp_answer_tool PRIVATE consilium_flags signaling)

foreach(name sdp_text sdp_names sdp_attributes sdp_section sdp_parse sdp_offers sdp_answer sdp_write sdp_choose sdp_choose_answer sdp_json_decode sdp_json_encode)
  consilium_test(signaling/${name} ${name}_test.c LINK signaling)
endforeach()
target_compile_definitions(signaling_sdp_offers_test PRIVATE SDP_OFFERS_DIR="${CMAKE_CURRENT_SOURCE_DIR}/offers")

# Real browsers hold the answers; only where the Node.js packages of tests/browser are installed (npm ci in that folder).
find_program(NODE node)
if(NODE AND NOT CONSILIUM_SANITIZE AND EXISTS "${CMAKE_SOURCE_DIR}/tests/browser/node_modules/puppeteer-core")
  foreach(peer chromium firefox wrtc)
    add_test(NAME signaling/sdp_answer_${peer}
      COMMAND ${NODE} ${CMAKE_CURRENT_SOURCE_DIR}/capture/answer_check.mjs $<TARGET_FILE:sdp_answer_tool> ${peer})
    set_tests_properties(signaling/sdp_answer_${peer} PROPERTIES TIMEOUT 120 LABELS browser SKIP_RETURN_CODE 77)
  endforeach()
  add_test(NAME signaling/sdp_transform
    COMMAND ${NODE} ${CMAKE_CURRENT_SOURCE_DIR}/capture/transform_check.mjs $<TARGET_FILE:sdp_answer_tool>)
  set_tests_properties(signaling/sdp_transform PROPERTIES TIMEOUT 60 LABELS browser SKIP_RETURN_CODE 77)
endif()
