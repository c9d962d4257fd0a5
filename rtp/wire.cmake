# Wire formats: parse and build, no state beyond one packet (exception: the structure of the dependency descriptor).
set(RTP_WIRE
  error.c
  packet.c
  extension.c
  extension_values.c
  extension_layers.c
  rtcp.c
  rtcp_report.c
  rtcp_feedback.c
  rtcp_transport.c
  rtcp_transport_write.c)
