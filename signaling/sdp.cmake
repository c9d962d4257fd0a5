set(SIGNALING_SDP_SOURCES sdp_text.c sdp_names.c sdp_attributes.c sdp_section.c sdp_parse.c sdp_answer.c sdp_write.c sdp_choose.c
  sdp_choose_answer.c sdp_json_encode.c sdp_json_decode.c)
