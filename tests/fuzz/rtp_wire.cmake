# Fuzzers of the wire formats. Their seeds are made by rtp_wire_seeds.py.
foreach(name rtp_packet rtcp twcc vp8 vp9 h264 av1 opus_red)
  consilium_fuzz(${name} ${name}_fuzz.c LINK rtp)
endforeach()
