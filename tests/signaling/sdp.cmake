add_executable(sdp_answer_tool sdp_answer_tool.c)
target_link_libraries(sdp_answer_tool PRIVATE consilium_flags signaling)

foreach(name sdp_text sdp_names sdp_attributes sdp_section sdp_parse)
  consilium_test(signaling/${name} ${name}_test.c LINK signaling)
endforeach()
