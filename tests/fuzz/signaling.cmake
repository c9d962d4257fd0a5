# fuzzers of signaling/: each part lists its own.
include(signaling_protocol.cmake OPTIONAL)
include(signaling_sdp.cmake OPTIONAL)
