# Fuzzers of rtp/, in its two halves.
include(rtp_wire.cmake OPTIONAL)
include(rtp_stream.cmake OPTIONAL)
