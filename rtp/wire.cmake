# Wire formats: parse and build, no state beyond one packet (exception: the structure of the dependency descriptor).
set(RTP_WIRE
  error.c)
